/** V8's CPU profile, as `--cpu-prof` writes it: a tree of frames, and which of them was running at each sample. */
interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Names the stage that a frame of our own or of a library belongs to; null for Node's own code, which counts for whoever called it. */
export type StageOf = (url: string, functionName: string) => string | null

/** Microseconds for each stage. Node's own functions count for their nearest caller that has a stage, or for `base` when there is none. */
export const microsecondsByStage = (profile: CpuProfile, stageOf: StageOf, base: string): Map<string, number> => {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const stages = new Map<number, string>()
  const [root] = profile.nodes
  const open: { readonly id: number; readonly inherited: string }[] = root ? [{ id: root.id, inherited: base }] : []
  for (let next = open.pop(); next; next = open.pop()) {
    const node = byId.get(next.id)!
    const { url, functionName } = node.callFrame
    const stage = stageOf(url, functionName) ?? next.inherited
    stages.set(node.id, stage)
    for (const child of node.children ?? []) open.push({ id: child, inherited: stage })
  }
  const totals = new Map<string, number>()
  profile.samples.forEach((id, i) => {
    const stage = stages.get(id)!
    totals.set(stage, (totals.get(stage) ?? 0) + profile.timeDeltas[i]!)
  })
  return totals
}
