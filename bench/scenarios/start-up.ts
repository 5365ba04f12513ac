import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gatewayIsBuilt, serveGateway } from '../candidates/gateway.ts'
import { nowUs } from '../lib/clock.ts'
import { stop } from '../lib/processes.ts'
import { spread } from '../lib/report.ts'
import type { Findings } from '../lib/report.ts'
import { median } from '../lib/stats.ts'
import type { Scenario } from './scenario.ts'

const launcher = join(import.meta.dirname, '../../bin/gateway.cjs')

export const startUp: Scenario = {
  id: 'start-up',
  title: 'start-up',
  async run({ rounds }): Promise<Findings> {
    const serve: number[] = []
    const help: number[] = []
    if (gatewayIsBuilt() && existsSync(launcher)) {
      const dataDir = mkdtempSync(join(tmpdir(), 'gateway-bench-'))
      for (let round = 0; round <= rounds; round++) {
        const started = nowUs()
        const { child } = await serveGateway(dataDir)
        // The first start creates the databases; the goal is about the starts after it.
        if (round > 0) serve.push((nowUs() - started) / 1000)
        await stop(child)
        const asked = nowUs()
        await promisify(execFile)(process.execPath, [launcher, '--help'])
        if (round > 0) help.push((nowUs() - asked) / 1000)
      }
      rmSync(dataDir, { recursive: true, force: true })
    }
    const goal = (what: string, limit: number, values: readonly number[]) => ({
      what,
      target: `≤ ${limit} ms`,
      measured: values.length > 0 ? spread(values, 0, ' ms') : '–',
      pass: values.length > 0 ? median(values) <= limit : null,
    })
    return { rows: [goal('start to listening, warm', 1000, serve), goal('gateway --help', 250, help)], tables: [] }
  },
}
