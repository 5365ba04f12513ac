/** How the target of an attempt is chosen among those that can be asked (docs/routing.md). */
export const strategies = ['priority', 'weighted', 'least-busy', 'lowest-latency'] as const
export type Strategy = (typeof strategies)[number]
