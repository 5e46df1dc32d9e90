import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = join(dirname(fileURLToPath(import.meta.url)), '..', 'gpu_peer.py')

/** Starts the PyTorch worker on a device. A question that fails returns {error}. */
export function peer(python, device) {
  const env = { GOMP_SPINCOUNT: '1000', ...process.env } // idle threads would spin beside ours
  const child = spawn(python, [script], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {}) // the missing answer reports it
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(question) {
      child.stdin.write(`${JSON.stringify({ device, ...question })}\n`)
      const { value, done } = await answers.next()
      return done ? { error: 'the Python worker ended' } : JSON.parse(value)
    },
    end: () => child.kill('SIGKILL'),
  }
}
