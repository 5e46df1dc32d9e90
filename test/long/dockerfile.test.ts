import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../lib/index.js'
import { root as clone, tinyRun } from '../bundle/unpacked.js'
import {
  baseImage,
  containerOf,
  firstProcess,
  inContainer,
  runStep,
  stagesOf,
  startContainer,
  whyNot,
} from './dockerfile-walk.js'

/*
 * No container engine runs here, so the steps of deploy/Dockerfile are executed one by one in an empty root that stands in for its base
 * image: this machine's Node with its libraries, a shell and a few programs. COPY, RUN, ENV, WORKDIR, USER, HEALTHCHECK, ENTRYPOINT and CMD are
 * those of the file. What this does not show: that the base image can be fetched and has these programs.
 */
const reason = whyNot()
const KEY = 'a-key-of-enough-letters'
const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-dockerfile-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const [global, unpacked, final] = stagesOf(readFileSync(join(clone, 'deploy/Dockerfile'), 'utf8'))
const archive = join(scratch, 'app.tgz')

test.runIf(reason !== undefined)(`the walk through deploy/Dockerfile is skipped, as it ${reason}`, ({ skip }) => skip(reason))

describe.skipIf(reason !== undefined)('deploy/Dockerfile, walked in an empty root', () => {
  let built: string
  beforeAll(async () => {
    const run = await tinyRun(scratch, 'tiny')
    await bundle({ runs: [run], bank: join(clone, 'data/sample/factbook'), out: archive, level: 1 })
    built = baseImage(join(scratch, 'unpacked'))
    expect(global!.every(({ name }) => name === 'ARG')).toBe(true)
    for (const [from] of [unpacked!, final!]) expect(from!.text).toMatch(/^node:\$\{NODE\}( AS unpacked)?$/)
  })

  /** Runs the steps of the first stage with the hash of the archive. */
  const build = (root: string, hash: string) => {
    const args: Record<string, string> = { BUNDLE: 'app.tgz', BUNDLE_SHA256: hash }
    for (const { name, text } of unpacked!.slice(1)) {
      if (name === 'ARG') expect(Object.keys(args)).toContain(text.split('=')[0])
      else if (name === 'COPY') {
        const [from, to] = text.split(' ').map((path) => path.replace(/^\$\{BUNDLE\}$/, args.BUNDLE!))
        cpSync(join(scratch, from!), join(root, to!))
      } else if (name === 'RUN') runStep(root, text, args)
      else throw new Error(`the walk does not know ${name}`)
    }
  }
  const hash = () => createHash('sha256').update(readFileSync(archive)).digest('hex')

  test('the first stage refuses an archive with another hash, and one without a given hash', () => {
    expect(() => build(baseImage(join(scratch, 'refused')), '0'.repeat(64))).toThrow('sha256sum')
    expect(() => runStep(join(scratch, 'refused'), unpacked!.find(({ name }) => name === 'RUN')!.text, {})).toThrow(
      'BUNDLE_SHA256',
    )
  })
  test('the context of the build holds nothing but archives', () => {
    expect(
      readFileSync(join(clone, '.dockerignore'), 'utf8')
        .split('\n')
        .filter((line) => !/^(#|$)/.test(line)),
    ).toEqual(['*', '!*.tgz'])
  })
  test('the image serves predictions as another user, on a read-only root, without a network, with node as process 1', async () => {
    build(built, hash())
    const image = baseImage(join(scratch, 'image'))
    for (const { name, text } of final!.slice(1)) {
      if (name !== 'COPY') continue
      const [, from, to] = /^--from=unpacked (\S+) (\S+)$/.exec(text)!
      cpSync(join(built, from!), join(image, to!), { recursive: true })
    }
    execFileSync('chown', ['-R', '0:0', join(image, 'app')])
    const keys = join(scratch, 'api-keys')
    writeFileSync(keys, `${KEY}\n`, { mode: 0o400 })
    execFileSync('chown', ['10001', keys])
    const container = containerOf(final!)
    const child = startContainer(image, container, keys)
    const said: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(String(chunk)))
    const exited = once(child, 'exit')
    try {
      let pid = 0
      const inside = (command: readonly string[]) => inContainer(pid, container.user, command)
      const node = (script: string) => inside(['node', '-e', script])
      const begun = performance.now()
      do {
        expect(performance.now() - begun, said.join('')).toBeLessThan(120_000)
        await sleep(500)
        expect(child.exitCode, said.join('')).toBeNull()
        pid = firstProcess(child.pid!)
      } while (inside(container.healthcheck).status !== 0)
      const facts = `console.log(JSON.stringify([process.getuid(), fs.readFileSync('/proc/1/comm', 'utf8').trim(), Object.keys(os.networkInterfaces())]))`
      expect(JSON.parse(node(`const fs = require('fs'), os = require('os'); ${facts}`).stdout)).toEqual([10001, 'node', ['lo']])
      expect(node("require('fs').writeFileSync('/app/x', '')").stderr).toMatch(/EROFS|EACCES/)
      expect(
        spawnSync('nsenter', ['-t', String(pid), '-m', '-r', 'sh', '-c', ': > /app/x'], { encoding: 'utf8' }).stderr,
      ).toMatch(/[Rr]ead-only/)
      const ask = (key: string) =>
        `fetch('http://127.0.0.1:8080/v1/predict', { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer ${key}' },` +
        `body: JSON.stringify({ contexts: [Array(5).fill(Array(768).fill(768 ** -0.5))] }) }).then(async (a) => console.log(a.status, (await a.json()).predictions?.[0].length))`
      expect(node(ask(KEY)).stdout.trim()).toBe('200 768')
      expect(node(ask('wrong')).stdout.trim()).toBe('401 undefined')
      process.kill(pid, 'SIGTERM')
      const [code] = await exited
      expect(code, said.join('')).toBe(0)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
