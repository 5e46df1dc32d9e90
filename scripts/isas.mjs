// Runs tests while libtorch, MKL and oneDNN are limited to the instruction sets of older processors. `npm run test:isas` runs the
// numerical tests, with --rest all others; `npm run test:isas -- avx2` uses one instruction set.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

const older = (aten, mkl, onednn) => ({ ATEN_CPU_CAPABILITY: aten, MKL_ENABLE_INSTRUCTIONS: mkl, ONEDNN_MAX_CPU_ISA: onednn })
const SETS = {
  native: {},
  ...(process.arch === 'x64' && { avx2: older('avx2', 'AVX2', 'AVX2'), sse4: older('default', 'SSE4_2', 'SSE41') }),
}
/** Tests that depend on round-off. */
const NUMBERS = [
  'test/architectures',
  'test/checkpoint/golden',
  'test/checkpoint/s4',
  'test/evaluate/baselines',
  'test/evaluate/metrics',
  'test/study/retrieval/exact',
  'test/evaluate/ridge',
  'test/evaluate/rollout',
  'test/export/export',
  'test/export/packed',
  'test/export/ruled-out',
  'test/torch',
  'test/train/scale',
]

const words = process.argv.slice(2)
const rest = words.includes('--rest')
const asked = words.filter((word) => word in SETS)
const unknown = words.find((word) => word !== '--rest' && !(word in SETS))
if (unknown !== undefined) {
  process.stderr.write(`isas: expected --rest or one of ${Object.keys(SETS).join(', ')} but received ${unknown}\n`)
  process.exit(2)
}
const tests = rest ? NUMBERS.flatMap((path) => ['--exclude', `${path}/**`, '--exclude', `${path}.test.ts`]) : NUMBERS
const vitest = join('node_modules', 'vitest', 'vitest.mjs')
const failed = (asked.length > 0 ? asked : Object.keys(SETS)).filter((name) => {
  process.stdout.write(`\nisas: ${name} ${JSON.stringify(SETS[name])}\n`)
  const args = [vitest, 'run', '--reporter=dot', ...tests]
  return spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...SETS[name] } }).status !== 0
})
if (failed.length > 0) {
  process.stderr.write(`isas: tests failed under ${failed.join(', ')}\n`)
  process.exitCode = 1
}
