import type { CommandModule } from 'yargs'
import { table } from '../../lib/show.js'
import { encodersFetchFields } from '../../lib/text/hub/encoders-fields.js'
import type { VerifiedEncoder } from '../../lib/text/hub/verify-encoder.js'
import { flags, given } from '../flags.js'
import { answer, bytes, diagnostic, event, note, print } from '../output.js'
import { interruption } from '../signals.js'
import { transfer } from '../transfer.js'

const list: CommandModule = {
  command: 'list',
  describe: 'list the encoders in the cache, and known names',
  handler: async ({ json }) => {
    const { cachedEncoders } = await import('../../lib/text/hub/encoder-store.js')
    const { KNOWN_ENCODERS } = await import('../../lib/text/hub/known-encoders.js')
    const cached = cachedEncoders()
    const held = table(cached, {
      'in the cache': (e) => e.name,
      commit: (e) => e.commit.slice(0, 7),
      dimension: (e) => (e.dim === null ? '?' : String(e.dim)),
      size: (e) => bytes(e.bytes),
      hash: (e) => (e.encoder_hash ?? e.hash).slice(0, 12),
      licence: (e) => e.licence ?? '?',
      space: (e) => e.space ?? `none: ${e.problem}`,
    })
    const known = table(KNOWN_ENCODERS, {
      'known name': (e) => e.name,
      dimension: (e) => String(e.dim),
      licence: (e) => e.licence,
      pooling: (e) => e.pooling,
      prompts: (e) => e.prompts ?? '',
    })
    const text = () =>
      `${cached.length === 0 ? 'no encoder is in the cache' : held}\n\n${known}\n(as their model cards say; nothing of it is measured)\n\nto fetch one: lvm-torch encoders fetch NAME`
    answer({ version: 1, cached, known: KNOWN_ENCODERS }, text, json === true)
  },
}

const fetching: CommandModule = {
  command: 'fetch <name>',
  describe: 'fetch an encoder from a hub into the cache',
  builder: (y) =>
    y
      .positional('name', { type: 'string', describe: 'OWNER/NAME at the hub' })
      .options(flags(encodersFetchFields))
      .example('$0 encoders fetch sentence-transformers/all-MiniLM-L6-v2', '384 dimensions, 91 MB')
      .example('$0 encoders fetch OWNER/NAME --revision v1.0 --hub https://mirror.example', 'a tag, from a mirror'),
  handler: async (argv) => {
    const json = argv.json === true
    const { fetchEncoder } = await import('../../lib/text/hub/fetch-encoder.js')
    const shown = transfer(json)
    const stop = interruption(diagnostic, 'the same command goes on where it stopped')
    try {
      const options = given(encodersFetchFields, argv)
      const listener = { progress: shown.step, say: note, signal: stop.signal }
      const { already, ...encoder } = await fetchEncoder({ name: String(argv.name), ...options }, listener)
      shown.end()
      if (json) return event({ type: 'result', version: 1, already, encoder })
      const what =
        encoder.space === null
          ? `not usable as an encoder: ${encoder.problem}`
          : `space: ${encoder.space}, dimension ${encoder.dim}`
      print(
        `${already ? 'it was already in the cache' : 'fetched'}: ${encoder.name}@${encoder.commit.slice(0, 7)} (${bytes(encoder.bytes)}, licence ${encoder.licence ?? 'not stated'}) in ${encoder.path}\n${what}\nto use it: --encoder ${encoder.name}`,
      )
    } catch (error) {
      shown.end()
      throw stop.reason ?? error
    } finally {
      stop.release()
    }
  },
}

const verifying: CommandModule = {
  command: 'verify [name]',
  describe: 'compare the files of an encoder with their hashes, and its vectors with those at the fetch',
  builder: (y) => y.positional('name', { type: 'string', describe: 'name of an encoder in the cache; all of them without it' }),
  handler: async (argv) => {
    const { cachedEncoders } = await import('../../lib/text/hub/encoder-store.js')
    const { verifyEncoder } = await import('../../lib/text/hub/verify-encoder.js')
    const names = argv.name === undefined ? cachedEncoders().map((e) => `${e.name}@${e.commit}`) : [String(argv.name)]
    const shown = transfer(false)
    const encoders: VerifiedEncoder[] = []
    for (const name of names)
      encoders.push(
        await verifyEncoder(name, argv.json === true ? {} : { progress: (p) => shown.step({ ...p, done: 0, total: 0 }) }),
      )
    shown.end()
    const line = ({ name, files, golden_cosine: cosine }: VerifiedEncoder) =>
      `${name}: all ${files} files are unchanged${cosine === null ? '' : `, lowest cosine of the golden sentences ${cosine.toFixed(6)}`}`
    answer(
      { version: 1, encoders, ok: true },
      () => encoders.map(line).join('\n') || 'no encoder is in the cache',
      argv.json === true,
    )
  },
}

export const encoders: CommandModule = {
  command: 'encoders',
  describe: 'list, fetch and check sentence encoders',
  builder: (y) => [list, fetching, verifying].reduce((all, one) => all.command(one), y).demandCommand(1),
  handler: () => {},
}
