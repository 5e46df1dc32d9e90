import type { Argv, CommandModule } from 'yargs'
import { findLibtorch, search } from '../../lib/libtorch/find.js'
import { install } from '../../lib/libtorch/install.js'
import { activate, installed, pick, remove, verify } from '../../lib/libtorch/libtorch-store.js'
import { LIBTORCH_PACKAGE, VERSION } from '../../lib/libtorch/pins.js'
import { choice, flag, resolve, text } from '../../lib/options.js'
import { bytes, table } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer, event } from '../output.js'
import { transfer } from '../transfer.js'

const variants = ['cpu', 'cuda'] as const
const fields = {
  from: text({
    default: undefined,
    about: 'torch wheel, folder of wheels, libtorch zip or folder; by default pip fetches the wheels',
  }),
  keep: flag({ default: false, about: 'keep the fetched wheels' }),
  force: flag({ default: false, about: 'replace the installed libtorch' }),
  variant: choice(variants, { default: 'cpu', about: 'libraries for the CPU alone or for CUDA' }),
}
const { variant: _, ...options } = fields
const name = (y: Argv) =>
  y.positional('name', {
    type: 'string',
    describe: `name of an installation, such as ${VERSION}-cpu, or its variant, such as cpu`,
  })
const named = (argv: Readonly<Record<string, unknown>>) => (argv.name === undefined ? undefined : String(argv.name))

const installing: CommandModule = {
  command: 'install [variant]',
  describe: 'fetch, check and activate libtorch',
  builder: (y) =>
    y
      .positional('variant', { type: 'string', describe: `${variants.join(' or ')} [cpu]` })
      .options(flags(options))
      .example('$0 libtorch install', `libtorch ${VERSION} for the CPU, fetched by pip`)
      .example('$0 libtorch install --from torch.whl', 'without a network'),
  handler: async (argv) => {
    const json = argv.json === true
    const shown = transfer(json)
    const { already, ...done } = await install({
      ...resolve('libtorch install', fields, given(fields, argv)),
      progress: shown.step,
    })
    shown.end()
    if (json) return event({ type: 'result', version: 1, already, libtorch: done })
    answer(
      {},
      () =>
        `${already ? 'libtorch was already installed' : 'libtorch is installed'}: ${done.name} (${bytes(done.bytes)}) in ${done.path}`,
      false,
    )
  },
}

/** Says which libtorch is used although none is installed, or how to get one. */
function noneInstalled(): string {
  const { libtorch } = search()
  return libtorch
    ? `nothing is installed in the cache; libtorch ${libtorch.version} (${libtorch.variant}) in ${libtorch.path} is used`
    : `nothing is installed; run: npx lvm-torch libtorch install; or without Python: npm install ${LIBTORCH_PACKAGE}`
}

const list: CommandModule = {
  command: 'list',
  describe: 'list all installed versions of libtorch',
  handler: ({ json }) => {
    const rows = installed()
    const columns = table(rows, {
      name: (r) => r.name,
      version: (r) => r.version,
      size: (r) => bytes(r.bytes),
      used: (r) => (r.active ? 'yes' : ''),
      verdict: (r) => r.verdict,
    })
    answer({ version: 1, installed: rows }, () => (rows.length === 0 ? noneInstalled() : columns), json === true)
  },
}

const info: CommandModule = {
  command: 'info',
  describe: 'show the libtorch in use and every place that was searched',
  handler: ({ json }) => {
    const { libtorch, tried } = search()
    const rows = tried.map(({ source, path, verdict }) => ({ source, path, verdict }))
    if (!libtorch) findLibtorch() // throws an error that lists these places and the fix
    const used = () => `libtorch ${libtorch?.version} (${libtorch?.variant}) in ${libtorch?.path}\n\n`
    const columns = () => table(rows, { source: (r) => r.source, path: (r) => r.path, verdict: (r) => r.verdict })
    answer({ version: 1, libtorch, tried: rows }, () => used() + columns(), json === true)
  },
}

const use: CommandModule = {
  command: 'use <name>',
  describe: 'use an installed libtorch from now on',
  builder: name,
  handler: async (argv) => {
    const one = pick(named(argv))
    await activate(one.name)
    answer({ version: 1, libtorch: { ...one, active: true } }, () => `${one.name} is used from now on`, argv.json === true)
  },
}

const removing: CommandModule = {
  command: 'remove <name>',
  describe: 'delete an installed libtorch',
  builder: name,
  handler: async (argv) => {
    const one = await remove(String(argv.name))
    answer({ version: 1, removed: one }, () => `${one.name} is deleted (${bytes(one.bytes)})`, argv.json === true)
  },
}

const verifying: CommandModule = {
  command: 'verify [name]',
  describe: 'compare every file with its SHA-256',
  builder: name,
  handler: async (argv) => {
    const done = await verify(named(argv))
    answer(
      { version: 1, ...done, ok: true },
      () => `${done.name}: all ${done.files} files are unchanged since the installation`,
      argv.json === true,
    )
  },
}

export const libtorch: CommandModule = {
  command: 'libtorch',
  describe: 'install, choose and check libtorch',
  builder: (y) => [installing, list, info, use, removing, verifying].reduce((all, one) => all.command(one), y).demandCommand(1),
  handler: () => {},
}
