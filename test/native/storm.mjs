// Eight workers at a time make models and tensors, predict, train and fail, until they are terminated. Argument: number of rounds.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { call, endless, model, native, samples, Tensor, train, trainer, vectors, windows } from './world.mjs'

async function work() {
  for (let round = 0; ; round++) {
    const of = await model(workerData + round, round)
    const [short, long, x] = [await trainer(of), await endless(of), vectors()]
    const jobs = [
      train(short, 5),
      native.modelPredict(of, x.native, false),
      native.evaluate(of, samples(), windows, { batch: 16, centre: null }),
      x.op('aten::softmax', -1),
      call('aten::mm', [x, x]).catch(() => {}),
      call('aten::mm', [1, 2]).catch(() => {}),
    ]
    try {
      Tensor.from(new Float32Array(3), [4])
    } catch {}
    train(long, 100_000).catch(() => {})
    await Promise.all(jobs)
    parentPort.postMessage(round)
    native.trainerStop(long)
    if (round % 2 === 0) native.dispose(long)
    if (round === 3 && workerData % 3 === 0) process.exit(0) // a worker that exits itself, with work pending
  }
}

/** Lets a worker do a number of rounds, then terminates it after a short wait. */
const cut = (which, rounds, pause) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: which })
    worker.on('message', (round) => {
      if (round === rounds) setTimeout(() => worker.terminate(), pause)
    })
    worker.on('error', reject).on('exit', resolve)
  })

if (isMainThread) {
  native.setThreads(1)
  const times = Number(process.argv[2])
  for (let t = 0; t < times; t++) await Promise.all(Array.from({ length: 8 }, (_, i) => cut(i + t, i % 5, (i * 7 + t * 3) % 40)))
  const sum = await Tensor.from([1, 2, 3]).op('aten::sum')
  process.stdout.write(`still computes: ${await sum.item()}\n`)
} else await work()
