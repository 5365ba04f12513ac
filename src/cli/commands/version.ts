import { programVersion } from '../../core/kernel/version.ts'
import type { Verb } from '../verb.ts'

export const version: Verb = {
  usage: 'version',
  summary: 'Print the version of this program',
  examples: [['version --json', 'with the version of Node.js']],
  operations: [],
  run: (context) =>
    context.result(
      { version: programVersion, node: process.versions.node, platform: `${process.platform}-${process.arch}` },
      (value) => context.output.line(`gateway ${value.version} (Node.js ${value.node}, ${value.platform})`),
    ),
}
