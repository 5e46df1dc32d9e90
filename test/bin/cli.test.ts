import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { rootHelp } from '../../bin/root-help.js'
import { GROUPS } from '../../bin/verbs.js'
import { ERRORS } from '../../lib/errors.js'

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
/** Makes loading a native library fail in the child, and writes its processor time (ms) to a third pipe. */
const watch = `process.dlopen=()=>{throw new Error("a library was loaded")}
const {writeSync}=process.getBuiltinModule("fs");process.on("exit",()=>{const {user,system}=process.cpuUsage();writeSync(3,String((user+system)/1000))})`
const WATCHED = ['--import', `data:text/javascript,${encodeURIComponent(watch)}`]

function lvm(words: readonly string[], node: readonly string[] = WATCHED) {
  const env = { ...process.env, LVM_TORCH_LIBTORCH: '/nonexistent', NO_COLOR: '1' }
  const { status, stdout, stderr, output } = spawnSync(process.execPath, [...node, cli, ...words], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  return { status, stdout, stderr, cpuMs: Number(output[3]) }
}

const verbs = [...lvm(['--help']).stdout.matchAll(/^ {2}lvm-torch (\S+)/gm)].map((m) => m[1]!)

describe('help', () => {
  it('lvm-torch --help lists every verb', () => {
    expect(verbs).toEqual(expect.arrayContaining(['train', 'evaluate', 'predict', 'models', 'import', 'errors', 'demo']))
  })
  it.each(['', ...verbs, 'train lstm'])(
    'the help of "%s" needs less than 500 ms of processor time and loads no libtorch',
    (verb) => {
      const { status, stdout, stderr, cpuMs } = lvm([...verb.split(' ').filter(Boolean), '--help'])
      expect(stderr).toBe('')
      expect(status).toBe(0)
      expect(stdout).toContain('--json')
      expect(cpuMs).toBeGreaterThan(0)
      expect(cpuMs).toBeLessThan(500) // processor time does not depend on the load of the machine
    },
  )
  it('the help lists the verbs in groups, and fits 60 columns', () => {
    expect([...rootHelp(100).matchAll(/^(\w+):$/gm)].map(([, group]) => group)).toEqual(Object.keys(GROUPS))
    for (const line of rootHelp(60).split('\n')) expect(line.length).toBeLessThan(60)
  })
  it.each([
    [['-h'], ['--help']],
    [
      ['train', '-h'],
      ['train', '--help'],
    ],
    [['-v'], ['--version']],
    [['runs'], ['runs', '--help']],
    [['data'], ['data', '--help']],
  ])('%j prints the same as %j', (short, long) => expect(lvm(short)).toMatchObject({ status: 0, stdout: lvm(long).stdout }))
  it('a call without words prints the help', () => expect(lvm([]).stdout.trim()).toBe(lvm(['--help']).stdout.trim()))
  it('the help of train has every group, and the options of the named model', () => {
    const general = lvm(['train', '--help']).stdout
    for (const part of ['Training:', 'Run:', '--epochs', '--seeds', '--resume', 'train MODEL --help'])
      expect(general).toContain(part)
    expect(general).not.toContain('--width')
    expect(lvm(['train', 'lstm', '--help']).stdout).toMatch(/Model:\n(?: .*\n)* {2}--width /)
  })
  it('the help of train has no line above 100 columns', () => {
    for (const line of lvm(['train', 'gru', '--help']).stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })
})

it('--version names the package, Node and the pinned libtorch', () => {
  const { status, stdout } = lvm(['--version'])
  expect(status).toBe(0)
  expect(stdout).toMatch(/^lvm-torch \d+\.\d+\.\d+\nnode v\d+\.\d+\.\d+\nlibtorch \d+\.\d+\.\d+ \(pinned\)\n$/)
})

describe('a mistake on the command line', () => {
  it.each([
    [['trian', 'lstm'], 'BAD_OPTION: lvm-torch: there is no verb "trian"; did you mean train?', '--help'],
    [['train', 'lstm', '--data', 'x', '--epoch', '3'], 'there is no option --epoch; did you mean --epochs?', 'train --help'],
    [['train', 'lsmt', '--data', 'x'], '"lsmt"', 'did you mean lstm?'],
    [['train', 'lstm'], '--data', 'train'],
    [['train', 'lstm', '--dta', 'x'], 'train: there is no option --dta; did you mean --data?', 'train --help'],
    [['trian', '-h'], 'there is no verb "trian"; did you mean train?', '--help'],
    [['train', 'lstm', '--data'], 'train: --data needs a value', 'train --help'],
    [
      ['train', 'lstm', '--data', 'x', '--max-steps', '-1'],
      'train: expected an integer ≥ 1 for "max-steps" but received -1',
      '--help',
    ],
    [
      ['data', 'convert', 'x.npy', 'x.h5'],
      'data convert: expected a name that ends in .npy, .safetensors',
      'is read, but not written',
    ],
    [['train', '--data', 'x'], 'train: <model> is missing', 'train --help'],
    [['train', 'lstm', 'gru', '--data', 'x'], 'train: "gru" is one argument too many', 'train --help'],
    [['models', 'shwo', 'lstm'], 'models: there is no verb "shwo"; did you mean show?', 'models --help'],
    [['--json'], 'lvm-torch: a verb is missing', '--help'],
  ])('the command line %j is refused with «%s» and a fix', (words, sentence, hint) => {
    const { status, stderr } = lvm(words)
    expect(stderr).toContain(sentence)
    expect(stderr).toMatch(/\nfix: /)
    expect(stderr).toContain(hint)
    expect(stderr.trim().split('\n')).toHaveLength(2)
    expect(status).toBe(2)
  })
  it('with --json a usage error is also a line of JSON on stdout', () => {
    const { status, stdout, stderr } = lvm(['train', 'lstm', '--data', 'x', '--epoch', '3', '--json'])
    expect(JSON.parse(stdout)).toEqual({
      type: 'error',
      version: 1,
      code: 'BAD_OPTION',
      message: 'train: there is no option --epoch; did you mean --epochs?',
      hint: 'run: lvm-torch train --help',
      exit: 2,
    })
    expect(stderr).toContain('BAD_OPTION')
    expect(status).toBe(2)
  })
})

describe('errors', () => {
  it('the verb errors prints every code with its exit code', () => {
    const { stdout } = lvm(['errors'])
    for (const [code, { exit }] of Object.entries(ERRORS)) expect(stdout).toMatch(new RegExp(`^${code} +${exit} `, 'm'))
  })
  it('errors --json prints one document', () => {
    const { errors } = JSON.parse(lvm(['errors', '--json']).stdout)
    expect(errors).toHaveLength(Object.keys(ERRORS).length)
    expect(errors[0]).toEqual({ code: 'BAD_OPTION', ...ERRORS.BAD_OPTION })
  })
})

describe('an internal error', () => {
  it('an internal error ends with 9 and a report with versions, command line and stack', () => {
    const broken = 'data:text/javascript,String.prototype.padEnd=()=>{throw new TypeError("broken")}'
    const { status, stderr } = lvm(['errors'], ['--import', broken])
    expect(status).toBe(9)
    const report = /report: (.*)\)/.exec(stderr)?.[1] ?? ''
    expect(existsSync(report)).toBe(true)
    const text = readFileSync(report, 'utf8')
    expect(statSync(report).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(report)).mode & 0o777).toBe(0o700)
    rmSync(dirname(report), { recursive: true })
    for (const part of ['lvm-torch ', 'node v', 'errors', 'TypeError: broken', '    at ']) expect(text).toContain(part)
  })
})

it('a closed stdout, as with | head, ends a verb without an error', async () => {
  const child = spawn(process.execPath, [cli, 'errors'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const code = await new Promise((done) => child.on('close', done))
  expect(stderr).toBe('')
  expect(code).toBe(0)
})
