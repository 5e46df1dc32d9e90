// Runs the verbs that come as lines of JSON, one after the other, and ends each answer with a zero byte on stdout.
import { readSync, writeSync } from 'node:fs'

const [, , cli] = process.argv
const ASKED = 3 // not stdin, which a verb may use
const one = Buffer.alloc(1)
let verbs = 0

/** Waits for a line; nothing else is to be done meanwhile, because the last verb has left no work. */
function nextLine() {
  const bytes = []
  while (readSync(ASKED, one) === 1) {
    if (one[0] === 10) return Buffer.from(bytes).toString()
    bytes.push(one[0])
  }
}

process.on('beforeExit', () => {
  if (verbs > 0) writeSync(1, '\0')
  for (const name of process.eventNames()) if (name !== 'beforeExit') process.removeAllListeners(name) // of the last verb
  process.exitCode = 0
  const line = nextLine()
  if (line === undefined) process.exit()
  process.argv.splice(2, Infinity, ...JSON.parse(line))
  import(`${cli}?${verbs++}`) // anew, so that it reads these words
})
