/** What a call to the service can end in, apart from its answer. */

export type FieldErrors = Readonly<Record<string, string>>;
export type ErrorBody = { readonly code: string; readonly message: string; readonly fields?: FieldErrors };

/** The service answered and refused; `message` is a sentence for a person. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: FieldErrors = {},
    /** The whole answer: a conflict carries more than its sentence. */
    readonly body: unknown = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** No answer came: the network, or the service, is away. */
export class OfflineError extends Error {
  readonly code = "offline";

  constructor() {
    super("The service did not answer. Check the connection; what was saved is safe.");
    this.name = "OfflineError";
  }
}

/** The session ended, or a sign-in failed, and the caller asked not to wait for a new one. */
export class SignedOutError extends ApiError {}

export async function errorFrom(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const known = isErrorBody(body) ? body : null;
  return new ApiError(
    response.status,
    known?.code ?? `http_${response.status}`,
    known?.message ?? sentenceOf(response.status),
    known?.fields ?? {},
    body,
  );
}

/** One sentence for whatever was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error && error.message ? error.message : "Something unexpected went wrong.";
}

function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === "object" && body !== null && "code" in body && "message" in body;
}

function sentenceOf(status: number): string {
  if (status === 404) return "This is not here, or it is not shared with you.";
  if (status === 413) return "This is larger than the service takes.";
  if (status === 429) return "Too many tries in a short time. Wait a little and try again.";
  if (status >= 500) return "The service failed on this request. Nothing that was saved is lost; try again.";
  return "The service refused this request.";
}
