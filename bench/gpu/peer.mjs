import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = join(dirname(fileURLToPath(import.meta.url)), '..', 'gpu_peer.py')

/** The PyTorch worker on a device. A question that fails, or has no answer within `seconds`, returns {error}; the next one starts a new worker. */
export function peer(python, device) {
  let worker
  const start = () => {
    const env = { GOMP_SPINCOUNT: '1000', ...process.env } // idle threads would spin beside ours
    const child = spawn(python, [script], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.on('error', () => {}) // the missing answer reports it
    return { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
  }
  const end = () => {
    worker?.child.kill('SIGKILL')
    worker = undefined
  }
  return {
    end,
    async ask(question, seconds = 3600) {
      worker ??= start()
      const { child, answers } = worker
      child.stdin.write(`${JSON.stringify({ device, ...question })}\n`)
      let timer
      const late = new Promise((done) => (timer = setTimeout(() => done('late'), seconds * 1000)))
      const answer = await Promise.race([answers.next(), late])
      clearTimeout(timer)
      if (answer !== 'late' && !answer.done) return JSON.parse(answer.value)
      end()
      return { error: answer === 'late' ? `no answer within ${seconds.toFixed(0)} s` : 'the Python worker ended' }
    },
  }
}
