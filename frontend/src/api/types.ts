/** The nouns of the service, from its schema; narrower only where the schema leaves it open. */

import type { components } from "./generated/schema";

type Schemas = components["schemas"];

export type List<T> = { readonly results: readonly T[]; readonly next: string | null; readonly previous: string | null };

export type Task = Schemas["Project"]["task"];
export type CaseState = Schemas["CaseRow"]["state"];
export type JobState = Schemas["Job"]["state"];
export type FindingState = Schemas["FindingFields"]["state"];
export type Role = Schemas["Member"]["role"];

export type PersonRef = Schemas["PersonRef"];
export type Person = Schemas["Person"];
export type Preferences = { readonly theme?: "system" | "light" | "dark"; readonly [name: string]: unknown };
export type Me = Omit<Schemas["Me"], "preferences"> & { readonly preferences: Preferences };
export type Token = Schemas["Token"] & { readonly token?: string };

export type Label = Schemas["Label"];
export type NewLabel = Schemas["LabelSpecRequest"];
export type NewProject = Schemas["NewProjectRequest"];
export type ProjectChange = Schemas["PatchedProjectChangeRequest"];
export type Member = Schemas["Member"];
export type NetworkChoice = Schemas["NetworkChoice"];
export type Project = Schemas["Project"];
export type ProjectVersion = Schemas["ProjectVersion"];

/** A step's own options stand beside its name and method. */
export type RecipeStep = { readonly name?: string; readonly method?: string; readonly [option: string]: unknown };
export type RecipeOption = Schemas["Option"];
export type RecipeMethod = Schemas["Method"];
export type RecipeStepKind = Schemas["StepKind"];
export type RecipeSchema = Schemas["RecipeSchema"];
export type RecipePreview = Schemas["Preview"];

export type CaseRow = Schemas["CaseRow"];
export type CaseJob = Pick<Schemas["Job"], "id" | "state" | "progress" | "message">;
export type Comment = Schemas["Comment"];
export type NewComment = Schemas["NewCommentRequest"];

export type Job = Schemas["Job"];
export type JobList = Schemas["JobPage"];
export type Worker = Schemas["Worker"];

export type UploadSession = Schemas["Upload"];
export type UploadReport = Schemas["Report"];
export type UploadReportFile = Schemas["FileOutcome"];
export type ExportFormat = Schemas["ExportStartRequest"]["format"];

/** What a network's card holds; the engine writes it. */
export type NetworkCard = {
  readonly task: string;
  readonly labels: readonly string[];
  readonly kinds: readonly string[];
  readonly modalities: readonly string[];
  readonly channels: number | "any";
  readonly dimensions: number;
  readonly spacing_mm: { readonly min: number; readonly max: number } | null;
  readonly licence: string;
  readonly data: readonly { readonly name: string; readonly licence?: string }[];
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly limits: readonly string[];
};
export type NetworkVersion = Omit<Schemas["NetworkVersion"], "card"> & { readonly card: NetworkCard };
export type Network = Omit<Schemas["Network"], "versions"> & { readonly versions: readonly NetworkVersion[] };
export type SuitableNetwork = Schemas["SuitableNetwork"];

export type TrainingSet = Schemas["TrainingSet"];
export type VersionRef = Schemas["VersionRef"];
export type CurvePoint = Schemas["CurvePoint"];
export type Training = Schemas["Training"];
export type NewTraining = Schemas["TrainingStartRequest"];
export type Outcome = "promote" | "keep" | "needs_person" | "";
export type Comparison = Omit<Schemas["Comparison"], "outcome"> & { readonly outcome: Outcome };
export type ComparisonBrief = Omit<Schemas["ComparisonBrief"], "outcome"> & { readonly outcome: Outcome };
export type ComparisonSummary = Schemas["Summary"];
export type ComparisonCase = Schemas["ComparedCase"];
export type Promotion = Schemas["Promotion"];
export type Learn = Omit<Schemas["Learning"], "comparisons"> & { readonly comparisons: readonly ComparisonBrief[] };
