/** What a new project starts with, and which networks can serve its task. */

import type { Network, NewLabel, NewProject, Task } from "../../api/types";
import { kindName } from "../../components/kinds";
import type { Offered } from "../settings/NetworkChooser.svelte";
import { OKABE_ITO } from "../settings/palette";

/** Which of the networks' tasks serve each task of a project. */
const SERVES: Readonly<Record<Task, readonly string[]>> = {
  instances: ["instance2d"],
  semantic: ["semantic2d", "semantic3d"],
  boxes: ["boxes2d"],
  labels: ["labels2d"],
};

export function emptyDraft() {
  return {
    name: "",
    description: "",
    task: "instances" as Task,
    labels: [firstLabel()],
    holdout_share: 0.2,
  } satisfies NewProject;
}

/** The newest serving version of each network for this task, with what it was made for. */
export function offeredFor(task: Task, networks: readonly Network[], words: (kinds: string, labels: string) => string): Offered[] {
  return networks
    .filter((network) => SERVES[task].includes(network.task) && network.versions.length)
    .map((network) => {
      const version = network.versions.find(({ state }) => state === "champion") ?? network.versions[0];
      const { kinds, labels } = version.card;
      return {
        version_id: version.id,
        network: network.name,
        version: version.number,
        kinds,
        reason: words(kinds.map(kindName).join(", "), labels.join(", ")),
      };
    });
}

/** Labels of a network as a start, while nobody has written their own. */
export function labelsOf(names: readonly string[]): NewLabel[] {
  return names.map((name, at) => ({ ...firstLabel(), name, colour: OKABE_ITO[at % OKABE_ITO.length], key: String(at + 1) }));
}

export function isUntouched(labels: readonly NewLabel[]): boolean {
  return labels.every(({ name }) => !name.trim());
}

function firstLabel(): NewLabel {
  return { name: "", colour: OKABE_ITO[0], key: "1", code: "", overlap_allowed: false, is_ignore: false };
}
