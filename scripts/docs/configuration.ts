import { renderConfigReference } from '../../src/core/config/describe.ts'
import type { Page } from './page.ts'

export const configurationPage: Page = {
  file: 'configuration.md',
  async render() {
    return `# Configuration

What a process needs to start. Everything else (users, keys, providers, models, prices) lives in the database and changes while the gateway runs.

A flag wins over the environment, the environment over \`gateway.yaml\` in the data directory (or \`--config FILE\`, YAML or JSON), the file over the default. A name that does not exist is an
error with a suggestion. A secret may also stand in a file that \`<NAME>_FILE\` names. \`gateway config show\` tells what is in force and where each value comes from; \`gateway config check\`
reports every problem at once.

The data directory is \`--data DIR\`, else \`GATEWAY_DATA\`, else \`$XDG_DATA_HOME/gateway\`, else \`~/.local/share/gateway\`.

${renderConfigReference()}`
  },
}
