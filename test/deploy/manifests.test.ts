import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { serveFields } from '../../lib/serve/serve-fields.js'
import { kebab } from '../../lib/show.js'
import { checker, checkKind, kubernetes, schema } from './schemas.js'

const here = dirname(fileURLToPath(import.meta.url))
const deploy = join(here, '../../deploy')
const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-deploy-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const read = (path: string) => readFileSync(join(deploy, path), 'utf8')
const yaml = (path: string) => parse(read(path))
const isThere = (program: string) => spawnSync(program, ['--help']).error === undefined

/** Seconds of a duration such as `40s`. */
const seconds = (text: string) => Number(/^(\d+)s$/.exec(text)?.[1])
const flagOf = (words: readonly string[], name: string) => {
  const at = words.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  return words[at]?.includes('=') ? words[at].split('=')[1] : words[at + 1]
}
const service = () =>
  new Map(
    read('systemd/lvm-torch-serve.service')
      .split('\n')
      .flatMap((line) => (/^(\w+)=(.*)$/.exec(line) ? [[RegExp.$1, RegExp.$2] as const] : [])),
  )

/** The words with which each deployment starts `serve`. */
const started: Record<string, string[]> = {
  Dockerfile: [...read('Dockerfile').matchAll(/^(?:ENTRYPOINT|CMD) (\[.*\])$/gm)].flatMap(([, list]) => JSON.parse(list!)),
  'compose.yaml': yaml('compose.yaml').services.serve.command,
  'kubernetes/deployment.yaml': yaml('kubernetes/deployment.yaml').spec.template.spec.containers[0].args,
  'systemd/lvm-torch-serve.service': service().get('ExecStart')!.split(' '),
}

test.each(Object.entries(started))('every flag of serve in deploy/%s exists and has a value of its kind', (_, words) => {
  const fields = new Map(Object.entries(serveFields).map(([key, field]) => [kebab(key), field]))
  const flags = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('=')[0]!)
  expect(flags.length).toBeGreaterThan(0)
  for (const flag of flags) {
    const field = fields.get(flag)
    expect(field, `--${flag}`).toBeDefined()
    const value = flagOf(words, flag)!
    if (value.startsWith('$(')) continue // from the ConfigMap, checked below
    expect(field!.accepts(['integer', 'real'].includes(field!.kind) ? Number(value) : value), `--${flag} ${value}`).toBe(true)
  }
})
test.each(Object.entries(started))('deploy/%s listens beyond its machine only with keys', (_, words) => {
  expect(words.join(' ')).toContain('--api-key-file')
  expect(words).not.toContain('--insecure')
})
test.each([
  ['Compose', seconds(yaml('compose.yaml').services.serve.stop_grace_period), 0, started['compose.yaml']!],
  [
    'Kubernetes',
    yaml('kubernetes/deployment.yaml').spec.template.spec.terminationGracePeriodSeconds,
    Number(
      /\}, (\d+)\)/.exec(
        yaml('kubernetes/deployment.yaml').spec.template.spec.containers[0].lifecycle.preStop.exec.command[2],
      )![1],
    ) / 1000,
    started['kubernetes/deployment.yaml']!,
  ],
  ['systemd', Number(service().get('TimeoutStopSec')), 0, started['systemd/lvm-torch-serve.service']!],
])('%s waits longer for a stop than the server needs to drain', (_, allowed, before, words) => {
  const needed = before + Number(flagOf(words, 'drain-grace')) + Number(flagOf(words, 'drain-timeout'))
  expect(allowed).toBeGreaterThanOrEqual(needed + 2)
})

describe('Kubernetes', () => {
  const files = readdirSync(join(deploy, 'kubernetes')).filter(
    (name) => !/^(kustomization|prometheus-adapter-rules)\.yaml$/.test(name) && name.endsWith('.yaml'),
  )
  test.each(files)('deploy/kubernetes/%s fits the strict schema of its kind', (file) => {
    for (const document of parseAllDocuments(read(`kubernetes/${file}`))) expect(checkKind(document.toJS())).toEqual([])
  })
  test('the schema finds an unknown key, a missing key and a wrong type', () => {
    const deployment = yaml('kubernetes/deployment.yaml')
    const { selector: _, ...without } = deployment.spec
    expect(checkKind({ ...deployment, spec: without }).join()).toContain('selector')
    expect(checkKind({ ...deployment, spec: { ...deployment.spec, replica: 2 } }).join()).toContain('replica')
    expect(checkKind({ ...deployment, spec: { ...deployment.spec, minReadySeconds: 'ten' } }).join()).toContain('minReadySeconds')
  })
  test('every object selects the pods of the deployment', () => {
    const { labels } = yaml('kubernetes/deployment.yaml').spec.template.metadata
    for (const selector of [
      yaml('kubernetes/deployment.yaml').spec.selector.matchLabels,
      yaml('kubernetes/service.yaml').spec.selector,
      yaml('kubernetes/pod-disruption-budget.yaml').spec.selector.matchLabels,
      yaml('kubernetes/network-policy.yaml').spec.podSelector.matchLabels,
    ])
      expect(labels).toMatchObject(selector)
    expect(yaml('kubernetes/horizontal-pod-autoscaler.yaml').spec.scaleTargetRef.name).toBe(
      yaml('kubernetes/deployment.yaml').metadata.name,
    )
  })
  test('the pod runs without root, without writing and without capabilities, and within limits', () => {
    const { spec } = yaml('kubernetes/deployment.yaml').spec.template
    const [container] = spec.containers
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(Object.keys(container.resources.limits)).toEqual(['cpu', 'memory'])
    for (const [probe, path] of [
      ['startupProbe', '/readyz'],
      ['readinessProbe', '/readyz'],
      ['livenessProbe', '/livez'],
    ])
      expect(container[probe!].httpGet.path).toBe(path)
  })
  test('the autoscaler reads the metric that the rules of the adapter make', () => {
    const [{ pods }] = yaml('kubernetes/horizontal-pod-autoscaler.yaml').spec.metrics
    const [rule] = yaml('kubernetes/prometheus-adapter-rules.yaml')
    expect(pods.metric.name).toBe(rule.name.as)
    expect(rule.metricsQuery).toContain('histogram_quantile')
  })
  test.skipIf(!isThere('kubectl'))(
    'kubectl kustomize builds all objects with values that serve accepts, and each fits its schema',
    () => {
      cpSync(join(deploy, 'kubernetes'), join(scratch, 'kubernetes'), { recursive: true })
      writeFileSync(join(scratch, 'kubernetes/api-keys'), 'a-key-of-enough-letters\n')
      const built = execFileSync('kubectl', ['kustomize', join(scratch, 'kubernetes')], { encoding: 'utf8' })
      const objects = parseAllDocuments(built).map((document) => document.toJS())
      expect(objects.map(({ kind }) => kind).sort()).toEqual(
        Object.keys(kubernetes.kinds)
          .filter((kind) => kind !== 'Job')
          .sort(),
      )
      for (const object of objects) expect(checkKind(object), object.kind).toEqual([])
      const { data } = objects.find(({ kind }) => kind === 'ConfigMap')
      const fields = new Map(Object.entries(serveFields).map(([key, field]) => [kebab(key), field]))
      const variables = started['kubernetes/deployment.yaml']!.flatMap((word) =>
        /^--([\w-]+)=\$\((\w+)\)$/.exec(word) ? [[RegExp.$1, RegExp.$2]] : [],
      )
      expect(variables.map(([, name]) => name).sort()).toEqual(Object.keys(data).sort())
      for (const [flag, name] of variables) expect(fields.get(flag!)!.accepts(Number(data[name!])), flag).toBe(true)
    },
  )
})

describe('Compose', () => {
  const check = checker(schema('compose'))
  test('deploy/compose.yaml fits the schema of the Compose specification', () => {
    expect(check(yaml('compose.yaml'))).toEqual([])
    const { services } = yaml('compose.yaml')
    expect(check({ services: { serve: { ...services.serve, read_ony: true } } }).join()).toContain('read_ony')
    expect(check({ services: { serve: { ...services.serve, cap_drop: 'ALL' } } }).join()).toContain('cap_drop')
  })
  test('the service of Compose cannot write, has no capabilities and has limits', () => {
    const { serve } = yaml('compose.yaml').services
    expect(serve).toMatchObject({ read_only: true, cap_drop: ['ALL'], init: true, security_opt: ['no-new-privileges:true'] })
    expect(Object.keys(serve.deploy.resources.limits)).toEqual(['cpus', 'memory'])
    expect(serve.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)])
  })
  test('the health check of Compose is that of the image', () => {
    const [, image] = /^HEALTHCHECK [\s\S]*?CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? []
    expect(yaml('compose.yaml').services.serve.healthcheck.test.slice(1)).toEqual(JSON.parse(image!))
  })
})

describe.skipIf(!isThere('systemd-analyze'))('systemd', () => {
  const unit = (text: string) => {
    writeFileSync(join(scratch, 'lvm-torch-serve.service'), text)
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(scratch, 'lvm-torch-serve.service')], {
      encoding: 'utf8',
    })
    return { status, said: stderr.split('\n').filter((line) => line.includes('lvm-torch-serve')) }
  }
  /** The unit with a program that exists on this machine. */
  const runnable = () => read('systemd/lvm-torch-serve.service').replace('/opt/lvm-torch/current/serve', '/bin/true')

  test('systemd-analyze verify accepts the unit, and finds an unknown key', () => {
    expect(unit(runnable()).said).toEqual([])
    expect(unit(runnable().replace('ProtectHome=', 'ProtectHoem=')).said.join()).toContain('ProtectHoem')
  })
  test('systemd-analyze security rates the unit as exposed by at most 2 of 10', () => {
    unit(runnable())
    const said = spawnSync('systemd-analyze', ['security', '--offline=true', join(scratch, 'lvm-torch-serve.service')], {
      encoding: 'utf8',
    })
    const [, exposure] = /Overall exposure level.*: (\d+\.\d+)/.exec(said.stdout) ?? []
    expect(Number(exposure), said.stderr).toBeLessThanOrEqual(2)
  })
})
