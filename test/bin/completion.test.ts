import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { SCRIPTS } from '../../bin/completion.js'
import { VERBS } from '../../bin/verbs.js'

vi.setConfig({ testTimeout: 30_000 })

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const cwd = mkdtempSync(join(tmpdir(), 'lvm-torch-completion-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))
mkdirSync(join(cwd, 'artifacts/lvm/models/my_run'), { recursive: true })
writeFileSync(join(cwd, 'lvm-torch'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`)
chmodSync(join(cwd, 'lvm-torch'), 0o755)

const words = (...typed: string[]) => {
  const { stdout, stderr } = spawnSync(process.execPath, [cli, 'completion', '--words', ...typed], { encoding: 'utf8', cwd })
  expect(stderr).toBe('')
  return stdout.trim().split('\n').filter(Boolean)
}

describe('completion --words', () => {
  it.each([
    [[''], Object.keys(VERBS)],
    [['ev'], Object.keys(VERBS)],
    [['runs', ''], expect.arrayContaining(['list', 'show', 'rm', 'restore'])],
    [['runs', 'show', ''], ['my_run']],
    [['evaluate', 'my_run', ''], ['my_run']],
    [['train', 'lstm', '--data', ''], []],
    [['nonsense', ''], []],
    [['train', 'lstm', '--recipe=s'], expect.arrayContaining(['--recipe=strong', '--recipe=retrieve'])],
    [['train', 'lstm', '--recipe', '=', 's'], expect.arrayContaining(['strong', 'retrieve'])],
    [['train', 'lstm', '--recipe', '='], expect.arrayContaining(['strong', 'retrieve'])],
    [['train', 'lstm', '--data=v'], []],
    [['train', 'lstm', '--unknown=v'], []],
  ])('after %j come %j', (typed, expected) => expect(words(...typed)).toEqual(expected))
  it('a model, its options and the values of a choice are offered', () => {
    expect(words('train', '')).toContain('lstm')
    expect(words('train', 'lstm', '--')).toEqual(expect.arrayContaining(['--data', '--width', '--help']))
    expect(words('train', 'lstm', '--recipe', 's')).toContain('strong')
    expect(words('train', 'lstm', '--overwrite', '--e')).toContain('--epochs')
  })
})

/** Whether this machine has a shell. */
const has = (shell: string) => spawnSync(shell, ['--version']).status === 0
const inShell = (shell: string, script: string) =>
  spawnSync(shell, ['-c', script], {
    encoding: 'utf8',
    cwd,
    env: { ...process.env, PATH: `${cwd}${delimiter}${process.env.PATH}` },
  })

it.runIf(has('bash'))('bash completes a verb, an option and a run', () => {
  const asked = (line: string[]) =>
    `COMP_WORDS=(lvm-torch ${line.join(' ')} ); COMP_CWORD=${line.length}; _lvm_torch; echo "\${COMPREPLY[*]}"`
  const { stdout, stderr } = inShell(
    'bash',
    `eval "$(lvm-torch completion bash)"\n${asked(['eval'])}\n${asked(['train', 'lstm', '--ep'])}\n${asked(['evaluate', 'my'])}\n${asked(['runs', 'rest'])}\n${asked(['train', 'lstm', '--recipe', '=', 'ret'])}\n${asked(['train', 'lstm', '--recipe', '='])}`,
  )
  expect(stderr).toBe('')
  const found = stdout.trimEnd().split('\n')
  expect(found.slice(0, 5)).toEqual(['evaluate', '--epochs --eps', 'my_run', 'restore', 'retrieve'])
  expect(found[5]).toContain('strong')
})
it.each(Object.keys(SCRIPTS))('the script for %s is printed, and the shell accepts it where it is installed', (shell) => {
  const { stdout } = spawnSync(process.execPath, [cli, 'completion', shell], { encoding: 'utf8' })
  expect(stdout.trim()).toBe(SCRIPTS[shell])
  const script = join(cwd, `script.${shell}`)
  writeFileSync(script, stdout)
  if (has(shell)) expect(spawnSync(shell, ['-n', script], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
})
it('completion refuses a shell other than bash, zsh and fish', () => {
  const { status, stderr } = spawnSync(process.execPath, [cli, 'completion', 'csh'], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([2, expect.stringContaining('expected one of bash, zsh, fish for "shell" but received "csh"')])
})
it('completion --json prints the script as one JSON document', () => {
  const { stdout } = spawnSync(process.execPath, [cli, 'completion', 'bash', '--json'], { encoding: 'utf8' })
  expect(JSON.parse(stdout)).toEqual({ shell: 'bash', script: SCRIPTS.bash })
})
