// Truncates a file while the main thread and three workers sum a mapping of it: `node mapped-file.mjs FILE` prints the result and the
// thread count of each. With a second argument it then sends itself a SIGBUS.
import { truncateSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { native } from '../../dist/lib/native.js'
import { Tensor } from '../../dist/lib/torch/tensor.js'

const [path, signal] = process.argv.slice(2)

/** Requests more work than can end before the file is truncated. */
function summed(threads) {
  native.setThreads(threads)
  const tensor = Tensor.map(path, { offset: 0, shape: [1024, 1024], dtype: 'float32' })
  const works = Array.from({ length: 3000 }, () => tensor.op('aten::sum').then(() => 'read'))
  return Promise.all(works.map((work) => work.catch(({ code }) => code))).then(
    (codes) => `${codes.find((code) => code !== 'read') ?? 'read'} with ${native.threads()}`,
  )
}

if (!isMainThread) {
  const answer = summed(workerData)
  parentPort.postMessage('asked')
  parentPort.postMessage(await answer)
} else {
  const workers = [2, 3, 4].map((threads) => {
    const worker = new Worker(new URL(import.meta.url), { argv: [path], workerData: threads })
    const said = []
    const ended = new Promise((done) => worker.on('exit', done))
    const asked = new Promise((done) => worker.on('message', (message) => said.push(message) === 1 && done()))
    return { said, asked, ended }
  })
  await Promise.all(workers.map(({ asked }) => asked))
  const own = summed(1)
  truncateSync(path, 4096)
  await Promise.all(workers.map(({ ended }) => ended))
  process.stdout.write(`${[await own, ...workers.map(({ said }) => said[1])].join('\n')}\n`)
  if (signal !== undefined) process.kill(process.pid, signal)
}
