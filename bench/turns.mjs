// Shared by the benchmarks: a Python worker, which idles while lvm-torch runs, statistics over rounds, and the block in docs/speed.md.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { busyNotes, watchCpuShare } from '../dist/lib/libtorch/cpu-share.js'

const share = watchCpuShare() // over a whole benchmark, without its Python worker
const here = dirname(fileURLToPath(import.meta.url))
const git = (...args) => execFileSync('git', args, { cwd: here, encoding: 'utf8', stdio: 'pipe' }).trim()

/** Reads the options of a benchmark; prints the comment at the head of its file for --help and after a wrong option, and ends. */
export function asked(file, options, { missing = () => undefined, ...rest } = {}) {
  const usage = (stream, ...lines) => {
    const comment = readFileSync(fileURLToPath(file), 'utf8')
      .match(/^(\/\/.*\n)+/)[0]
      .replace(/^\/\/ ?/gm, '')
    const known = Object.entries(options).map(
      ([name, { default: value }]) => `  --${name}${value === undefined ? '' : ` [${value}]`}`,
    )
    stream.write(`${[...lines, comment, ...known].join('\n')}\n`)
  }
  try {
    const { values, positionals } = parseArgs({ ...rest, options: { ...options, help: { type: 'boolean' } } })
    const fault = values.help ? undefined : missing(values, positionals)
    if (fault !== undefined) throw new Error(fault)
    if (!values.help) return { values, positionals }
    usage(process.stdout)
    process.exit(0)
  } catch (error) {
    usage(process.stderr, `${error.message}\n`)
    process.exit(2)
  }
}

/** Path of a Python with PyTorch and the given {module: package}; missing packages are fetched. */
export function pythonWith(packages = {}) {
  const said = execFileSync(process.execPath, [join(here, '..', 'scripts', 'python.mjs')], { encoding: 'utf8' })
  const python = said.trim().split('\n').at(-1)
  const missing = Object.keys(packages).filter((module) => spawnSync(python, ['-c', `import ${module}`]).status !== 0)
  const pip = ['-m', 'pip', 'install', '--quiet', ...missing.map((module) => packages[module])]
  if (missing.length > 0) execFileSync(python, pip, { stdio: ['ignore', 2, 2] })
  return python
}

/** Starts a Python script of this folder, which answers one JSON line per question. */
export function worker(script, packages) {
  const child = spawn(pythonWith(packages), [join(here, script)], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {}) // the missing answer reports it
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (question) => {
    child.stdin.write(`${JSON.stringify(question)}\n`)
    const { value, done } = await answers.next()
    if (done) throw new Error(`${script}: the Python worker ended; its output is above`)
    const answer = JSON.parse(value)
    if (answer.error) throw new Error(`${script}: the Python worker failed: ${answer.error}`)
    return answer
  }
  return { ask, end: () => child.stdin.end() }
}

export const middle = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
export const summary = (numbers) => ({ median: middle(numbers), min: Math.min(...numbers), max: Math.max(...numbers) })
/** Formats a summary as a cell of a table. */
export const shown = (r) => `${r.median.toFixed(2)} (${r.min.toFixed(2)}–${r.max.toFixed(2)})`

/**
 * Returns the seconds of every contestant in every round. The first round warms up and is not counted. The order alternates, so that a
 * drift of the machine affects all contestants equally.
 */
export async function turns(contestants, rounds) {
  const names = Object.keys(contestants)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 ? names : names.toReversed()) {
      const time = await contestants[name]()
      if (round > 0) times[name].push(time)
    }
  }
  return times
}

/** The commit, or null for a copy of the files without their repository. */
function commit() {
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? ' with changes' : '')
  } catch {
    return null
  }
}

/** Command, commit, machine and versions of a measurement. */
export const circumstances = (script) => ({
  command: `node bench/${script} ${process.argv.slice(2).join(' ')}`.trim(),
  cpu: cpus()[0].model,
  cores: availableParallelism(),
  commit: commit(),
  date: new Date().toISOString(),
  load_before: loadavg()[0],
})

export const resultsOf = (name) => join(here, 'results', `${name}.json`)

/** Writes a report; the report in the repository is also copied to docs/speed.md. */
export function keep(name, path, report, lines) {
  mkdirSync(dirname(path), { recursive: true })
  const cpu_share = share()
  writeFileSync(path, `${JSON.stringify({ ...report, load_after: loadavg()[0], cpu_share }, null, 2)}\n`)
  for (const note of busyNotes([cpu_share])) process.stdout.write(`\n${note}\n`)
  process.stdout.write(`\nwritten: ${path}\n`)
  if (path !== resultsOf(name)) return
  const page = join(here, '..', 'docs', 'speed.md')
  const block = [
    `<!-- bench:${name} -->`,
    ...lines,
    ...busyNotes([cpu_share]).flatMap((note) => ['', `Timings: ${note}.`]),
    `<!-- /bench:${name} -->`,
  ].join('\n')
  const old = new RegExp(`<!-- bench:${name} -->[\\s\\S]*<!-- /bench:${name} -->`)
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(old, () => block),
  )
}
