// Opens mutated files: node mutate.mjs FOLDER FIRST COUNT. Prints a line of JSON for each fault, and the next number.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import { inspectData } from '../../dist/lib/data/inspect-data.js'
import { ERRORS, LvmError, openBase } from '../../dist/lib/index.js'
import { openWeights } from '../../dist/lib/weights/open-weights.js'

const [folder, first, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
/** Limit of processor time, which does not depend on the load of the machine. Units: µs */
const SLOW = 10e6
const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`) // synchronous, so that a crash loses no line

/** Returns a generator of integers below n, equal in every run for one seed. */
function dice(seed) {
  let state = Math.imul(seed + 1, 2654435761) >>> 0
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

const NUMBERS = [
  '0',
  '1',
  '-1',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '18446744073709551615',
  '1e308',
  'NaN',
  'null',
  '[]',
  '""',
]
/** Replaces a number in the text: a size, shape, offset or id. */
function editNumber(bytes, roll) {
  const text = bytes.toString('latin1')
  const all = [...text.slice(0, 1 << 16).matchAll(/\d+/g)]
  if (all.length === 0) return bytes
  const { 0: found, index } = all[roll(all.length)]
  return Buffer.from(text.slice(0, index) + NUMBERS[roll(NUMBERS.length)] + text.slice(index + found.length), 'latin1')
}
const flip = (bytes, roll) => {
  const copy = Buffer.from(bytes)
  for (let i = roll(8); i >= 0 && copy.length > 0; i--) copy[roll(copy.length)] ^= 1 << roll(8)
  return copy
}
/** The same near the start or the end, where headers and directories are. */
const flipHeader = (bytes, roll) => {
  const copy = Buffer.from(bytes)
  const reach = Math.min(copy.length, 256)
  for (let i = roll(4); i >= 0 && reach > 0; i--) copy[roll(2) === 0 ? roll(reach) : copy.length - 1 - roll(reach)] = roll(256)
  return copy
}
const MUTATIONS = [
  flip,
  flipHeader,
  editNumber,
  (bytes, roll) => bytes.subarray(0, roll(bytes.length + 1)),
  (bytes, roll) => bytes.subarray(roll(bytes.length + 1)),
  (bytes, roll) => Buffer.concat([bytes.subarray(0, roll(bytes.length)), bytes.subarray(roll(bytes.length))]),
  (bytes, roll, other) => Buffer.concat([bytes.subarray(0, roll(bytes.length)), other.subarray(roll(other.length))]),
  (bytes, roll) => {
    const [at, length] = [roll(bytes.length), roll(64)]
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, roll(256)), bytes.subarray(at + roll(length + 1))])
  },
]

/** Mutates a member of a zip and corrects its checksum, so that the mutation reaches the reader of the content. */
function inZip(bytes, roll, other) {
  const parts = []
  for (let at = bytes.indexOf('PK\x01\x02'); at >= 0; at = bytes.indexOf('PK\x01\x02', at + 4)) parts.push(at)
  if (parts.length === 0) return flip(bytes, roll)
  const entry = parts[roll(parts.length)]
  if (entry + 46 > bytes.length) return bytes
  const [method, packed, header] = [
    bytes.readUInt16LE(entry + 10),
    bytes.readUInt32LE(entry + 20),
    bytes.readUInt32LE(entry + 42),
  ]
  const copy = Buffer.from(bytes)
  const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28)
  const content = bytes.subarray(start, start + packed)
  const plain = method === 8 ? inflateRawSync(content) : content
  const changed = MUTATIONS[roll(3)](plain, roll, other)
  if (changed.length !== plain.length) return flip(bytes, roll)
  const stored = method === 8 ? deflateRawSync(changed) : changed
  if (stored.length > packed) return flip(bytes, roll)
  stored.copy(copy, start)
  for (const at of [entry + 16, header + 14]) copy.writeUInt32LE(crc32(changed), at)
  for (const at of [entry + 20, header + 18]) copy.writeUInt32LE(stored.length, at)
  return copy
}

/** Calls every function that reads a file of this kind. */
async function tried(path) {
  const isWeights = /\.(pt|safetensors)$/.test(path)
  const tries = [() => inspectData(path)]
  if (!path.endsWith('.pt'))
    tries.push(async () => {
      const base = await openBase(path)
      await base.texts()
      base.dispose()
    })
  if (isWeights)
    tries.push(async () => {
      const { tensors } = await openWeights(path)
      for (const stored of [...tensors.values()].slice(0, 20)) (await stored.read()).dispose()
    })
  for (const attempt of tries) {
    try {
      await attempt()
    } catch (error) {
      const sound = error instanceof LvmError && error.code in ERRORS && error.code !== 'INTERNAL' && error.message.length < 4000
      if (!sound) return String(error?.stack ?? error).slice(0, 1500)
    }
  }
  return undefined
}

const seeds = readdirSync(folder)
  .filter((name) => /\.(npy|npz|safetensors|pt)$/.test(name))
  .sort()
const SIDES = ['.jsonl', '.jsonl.gz', '.card.json']
const work = join(folder, `work-${first}`)
for (let i = first; i < first + count; i++) {
  const roll = dice(i)
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work)
  const name = seeds[i % seeds.length]
  const stem = name.replace(/\.\w+$/, '')
  const beside = SIDES.map((end) => stem + end).filter((file) => existsSync(join(folder, file)))
  for (const file of [name, ...beside]) copyFileSync(join(folder, file), join(work, file))
  const target = [name, ...beside][roll(1 + beside.length)]
  const [bytes, other] = [target, seeds[roll(seeds.length)]].map((file) => readFileSync(join(folder, file)))
  const isZip = bytes.toString('latin1', 0, 2) === 'PK'
  const mutated = isZip && roll(2) === 0 ? inZip(bytes, roll, other) : MUTATIONS[roll(MUTATIONS.length)](bytes, roll, other)
  writeFileSync(join(work, target), mutated)
  say({ next: i })
  const start = process.cpuUsage()
  const wrong = await tried(join(work, name))
  const { user, system } = process.cpuUsage(start)
  if (wrong !== undefined || user + system > SLOW)
    say({ number: i, file: basename(target), wrong: wrong ?? `took ${user + system} µs of the processor` })
}
rmSync(work, { recursive: true, force: true })
say({ done: true, peak: process.resourceUsage().maxRSS * 1024 })
