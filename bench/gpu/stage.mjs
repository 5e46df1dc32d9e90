// Runs one stage of check.mjs: node bench/gpu/stage.mjs NAME OPTIONS. Every line on stdout is a JSON object with findings.

import { useThreads } from '../../dist/lib/torch/device.js'
import { useMultiplier } from '../../dist/lib/torch/multiplier.js'

const [name, options] = process.argv.slice(2)
const faults = []
const say = (found) => process.stdout.write(`${JSON.stringify(found)}\n`)
const until = performance.now() + JSON.parse(options).seconds * 1000
/** `expect(condition, text)` records a fault and goes on; `left()` is the time that remains in seconds. */
const tools = {
  say,
  left: () => (until - performance.now()) / 1000,
  expect: (right, fault) => {
    if (!right) say({ faults: [...faults.splice(0, faults.length, ...faults, fault), fault] })
    return right
  },
}
const { run } = await import(`./${name}.mjs`)
useThreads(undefined)
await useMultiplier(undefined)
await run({ ...JSON.parse(options), ...tools })
process.exit(0)
