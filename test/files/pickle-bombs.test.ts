import { expect, it } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import { type Limits, resolveLimits } from '../../lib/files/limits.js'
import { openPt } from '../../lib/files/pt.js'
import { ptGlobals } from '../../lib/files/pt-globals.js'
import { unpickle } from '../../lib/files/unpickle.js'
import { refused, scratch, storedZip } from './fixture.js'

const globals = ptGlobals(() => {})
const load = async (bytes: string, limits?: Partial<Limits>) =>
  (await unpickle(Buffer.from(bytes, 'latin1'), { owner: 'test.pkl', globals, limits: resolveLimits('test', limits) })).value

it.each<[string, string, Partial<Limits>]>([
  ['empty dicts', '}'.repeat(1000), { pickleMemoryBytes: 100_000 }],
  ['empty sets', '\x8f'.repeat(1000), { pickleMemoryBytes: 100_000 }],
  ['empty tuples', ')'.repeat(1000), { pickleMemoryBytes: 100_000 }],
  ['marks', '('.repeat(10_000), { pickleMemoryBytes: 100_000 }],
  ['Nones', 'N'.repeat(10_000), { pickleMemoryBytes: 100_000 }],
  ['texts', '\x8c\x01a\x94'.repeat(2000), { pickleMemoryBytes: 100_000 }],
  ['empty byte views', 'C\x00'.repeat(1000), { pickleMemoryBytes: 100_000 }],
  ['numbers', `G${'\x00'.repeat(8)}`.repeat(4000), { pickleMemoryBytes: 100_000 }],
  ['items of one list', `](${'K\x01'.repeat(5000)}e`, { pickleMemoryBytes: 100_000 }],
  [
    'keys of one dict',
    `}(${Array.from({ length: 3000 }, (_, i) => `M${String.fromCharCode(i & 255, i >> 8)}N`).join('')}u`,
    { pickleMemoryBytes: 200_000 },
  ],
  ['operations without a result', 'N0'.repeat(3000), { pickleOpcodes: 5000 }],
  ['long lines of escapes', `V${'\\u0041'.repeat(1000)}\n0`.repeat(20), { pickleOpcodes: 5000 }],
  ['a long number', `\x8a\x40${'\x7f'.repeat(64)}`, { pickleNumberBytes: 32 }],
  ['a long line', `V${'a'.repeat(500)}\n`, { pickleLineBytes: 100 }],
  ['nesting', `${'('.repeat(50)}N${'l'.repeat(50)}`, { pickleDepth: 20 }],
  ['total bytes', 'N'.repeat(200), { pickleBytes: 100 }],
])('unpickle refuses a pickle that exceeds a lowered limit: %s', async (_, bytes, limits) => {
  await refused('DATA_FORMAT', load(`${bytes}.`, limits))
  await load(`${bytes}.`, {}).catch((error) => expect(error).toBeInstanceOf(LvmError))
})

/** A list that holds one list twice, nested 26 times: a short pickle whose text would have 2^26 items. */
const DOUBLED = `](U\x01xe\x94${Array.from({ length: 26 }, (_, i) => String.fromCharCode(i))
  .map((i) => `0](h${i}h${i}e\x94`)
  .join('')}`
const dict = (count: number) => `}(${Array.from({ length: count }, (_, i) => `U\x06${String(i).padStart(6, '0')}N`).join('')}u`

it.each<[string, string]>([
  [
    'a billion laughs',
    `]q\x00${Array.from({ length: 60 }, (_, i) => `]q${String.fromCharCode(i + 1)}(h${String.fromCharCode(i)}h${String.fromCharCode(i)}e`).join('')}.`,
  ],
  ['a list copied repeatedly', `](${'K\x01'.repeat(1 << 17)}eq\x00(${'cbuiltins\nlist\n(h\x00tR'.repeat(1000)}l.`],
  ['a list doubled 26 times as the name of a module', `${DOUBLED}U\x01a\x93.`],
  ['a list doubled 26 times as a device', `ctorch\ndevice\n${DOUBLED}\x85R.`],
  ['a list doubled 26 times as a layout', `ctorch.serialization\n_get_layout\n${DOUBLED}\x85R.`],
  ['a list doubled 26 times as a part of a path', `cpathlib\nPosixPath\n${DOUBLED}\x85R.`],
  ['a list doubled 26 times as a whole number', `cbuiltins\nint\n${DOUBLED}\x85R.`],
  ['a list doubled 26 times as a number', `cbuiltins\nfloat\n${DOUBLED}\x85R.`],
  ['a dict copied into a Namespace repeatedly', `${dict(20_000)}\x94cargparse\nNamespace\n)R${'h\x00b'.repeat(3000)}.`],
  [
    'a list copied into an array repeatedly',
    `](${'N'.repeat(65_536)}e\x940cnumpy\ndtype\n(U\x02O8tR\x940cnumpy.core.multiarray\n_reconstruct\n)R(K\x01(J\x00\x00\x01\x00th\x01\x89h\x00t\x940${'h\x02b'.repeat(3000)}.`,
  ],
])('unpickle refuses a bomb within seconds: %s', async (_, bytes) => {
  await refused('DATA_FORMAT', load(bytes))
})

it('unpickle refuses a class whose name has a million characters', async () => {
  await refused('DATA_UNSAFE', load(`X\x40\x42\x0f\x00${'a.'.repeat(500_000)}U\x01A\x93.`))
})

const STORAGE = '(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x01tQ'
const openPickle = (pickle: string) =>
  openPt(
    scratch(
      'made.pt',
      storedZip([
        { name: 'a/data.pkl', data: Buffer.from(`\x80\x02${pickle}.`, 'latin1') },
        { name: 'a/data/0', data: Buffer.alloc(4) },
      ]),
    ),
  )

it('openPt does not mistake a property name of JavaScript objects for a dtype', async () => {
  const tensor = (dtype: string) => openPickle(`ctorch._utils\n_rebuild_tensor_v3\n(${STORAGE}K\x00(K\x00t(K\x01t\x89}${dtype}tR`)
  expect(await refused('DATA_UNSAFE', tensor('U\x0bconstructor'))).toMatch(/a constructor tensor of shape \[0\]/)
  await refused('DATA_FORMAT', tensor('](U\x07float32e'))
})
it('openPt reads the attributes of a parameter once even when they are listed 20,000 times', async () => {
  const tensor = `ctorch._utils\n_rebuild_tensor_v2\n(${STORAGE}K\x00(K\x01t(K\x01t\x89}tR`
  const attributes = `${dict(20_000)}\x940](${'h\x00'.repeat(20_000)}e`
  const { value } = await openPickle(`ctorch._utils\n_rebuild_parameter_with_state\n(${tensor}\x89}${attributes}tR`)
  expect(value).toMatchObject({ tensor: true, shape: [1] })
})
it('openPt refuses a storage key longer than PyTorch writes', async () => {
  await refused('DATA_FORMAT', openPickle(`(U\x07storagectorch\nFloatStorage\nU\x80${'0'.repeat(128)}U\x03cpuK\x01tQ`))
})
