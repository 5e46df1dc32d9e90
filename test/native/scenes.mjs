// One scene per run: `node scenes.mjs NAME [milliseconds]`. Each prints its result; the tests check how the process ends.
import { setTimeout as sleep } from 'node:timers/promises'
import { call, endless, large, model, native, samples, Tensor, train, trainer, vectors, windows } from './world.mjs'

const say = (word) => process.stdout.write(`${word}\n`)
const pause = Number(process.argv[3] ?? 0)
const never = () => say('too late')

const scenes = {
  // several of each kind, because failures here are race conditions
  async exitWhileTraining() {
    for (let i = 0; i < 9; i++) train(await endless(await model(i)), 100_000).then(never)
    await sleep(pause)
    process.exit(3)
  },
  async exitWhileEvaluating() {
    const ids = Int32Array.from({ length: 1_000_000 }, (_, i) => i % windows.length)
    native.evaluate(await model(), samples(), ids, { batch: 16, centre: null }).then(never)
    await sleep(pause)
    process.exit(3)
  },
  async exitWhileMultiplying() {
    const x = Tensor.from(new Float32Array(1500 * 1500).fill(0.5), [1500, 1500])
    // the whole queue: a fast machine multiplies once within the pause
    Promise.all(Array.from({ length: 40 }, () => x.op('aten::mm', x))).then(never)
    await sleep(pause)
    process.exit(3)
  },
  async throwWhileTraining() {
    train(await endless(await model()), 100_000).then(never)
    await sleep(pause)
    throw new Error('a mistake of the user')
  },
  async endWithThingsLeft() {
    const one = await model()
    const kept = [one, await trainer(one), await endless(one), native.stepper(one, 1), samples(), Tensor.from([1, 2])]
    await train(kept[1], 3)
    say(`kept ${kept.length}`)
  },
  async endWithWorkLeft() {
    train(await trainer(await model()), 12).then((steps) => say(`made ${steps}`))
  },
  async forgetTheTrainer() {
    const run = train(await trainer(await model()), 12)
    for (let i = 0; i < 10; i++) {
      globalThis.gc()
      await sleep(2)
    }
    say(`made ${await run}`)
  },
  async disposeTheTrainer() {
    const of = await endless(await model())
    const run = train(of, 100_000)
    while (native.trainerProgress(of).steps < 3) await sleep(1)
    native.dispose(of)
    say((await run) < 100_000 ? 'stopped' : 'went on')
  },
  async disposeEverythingAtOnce() {
    const one = await model()
    const x = vectors()
    const answer = native.modelPredict(one, x.native, false)
    native.dispose(one)
    x.dispose()
    say(`shape ${Tensor.wrap(await answer).shape}`)
  },
  async predictWhileTraining() {
    for (let which = 0; which < 3; which++) {
      const of = await model(which)
      const long = await endless(of)
      const run = train(long, 100_000)
      for (let length = 120; length < 220; length++) await native.modelPredict(of, vectors(length).native, false)
      native.trainerStop(long)
      await run
    }
    say('both')
  },
  async stopTheTrainer() {
    const of = await endless(await model())
    const run = train(of, 100_000)
    while (native.trainerProgress(of).steps < 3) await sleep(1)
    native.trainerStop(of)
    const made = await run
    say(made === native.trainerProgress(of).steps && made < 100_000 ? 'stopped' : 'went on')
  },
  async exitInTheMiddleOfRejections() {
    for (let i = 0; i < 200; i++) call('aten::mm', [vectors(), vectors()]).catch(() => {})
    await sleep(pause)
    process.exit(3)
  },
}
const megabytes = () => process.memoryUsage.rss() / 1e6
/** Growth of this process's memory over `count` calls of `each`. Units: megabytes. */
async function growth(each, { size = 1, count = 3000 } = {}) {
  const array = new Float32Array(size * 250_000).fill(1)
  Tensor.from(array).dispose()
  const before = megabytes()
  let most = 0
  for (let i = 0; i < count; i++) {
    const waits = each(Tensor.from(array), i)
    if (waits) await waits
    if (i % 5 === 0) most = Math.max(most, megabytes() - before)
  }
  say(Math.round(most))
}
const turn = () => new Promise(setImmediate)
Object.assign(scenes, {
  dropTensors: () => growth((_, i) => (i % 10 === 0 ? turn() : undefined)),
  // too large for the allocator to keep, so freed memory returns to the system
  disposeTensors: () => growth((t) => t.dispose(), { size: 40, count: 25 }),
  // its weights and moments were read, and are not collected yet
  async disposeModels() {
    const before = megabytes()
    const parts = []
    for (let i = 0; i < 6; i++) {
      const one = await large()
      const of = await trainer(one)
      parts.push(...native.modelState(one), native.trainerState(of))
      native.dispose(of)
      native.dispose(one)
    }
    say(Math.round(megabytes() - before))
    try {
      Tensor.wrap(parts[0].tensor)
    } catch ({ code }) {
      say(code)
    }
  },
  dropResults: () => growth((t, i) => (i % 6 === 0 ? t.op('aten::neg') : undefined), { count: 1000 }),
  dropViews: () => growth((t, i) => (i % 6 === 0 ? t.op('aten::slice.Tensor', 0, 0, 10) : undefined), { count: 1000 }),
})

for (const name of process.argv[2].split(',')) await scenes[name]()
