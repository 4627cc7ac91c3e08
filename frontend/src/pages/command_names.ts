import { t } from "../messages";
import { keyName, keysOf, type Command } from "../tools/keys";

/** What a command is called wherever keys are shown. */
export const commandName = (command: Command): string =>
  t(command.startsWith("tool.") ? `review.${command as "tool.brush"}` : `review.command.${command as "undo"}`);

/** The same with its key, if it has one here, for the title of a button. */
export function nameWithKey(command: Command): string {
  const [key] = keysOf(command);
  return key === undefined ? commandName(command) : `${commandName(command)} (${keyName(key)})`;
}
