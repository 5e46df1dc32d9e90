import type { CommandModule } from 'yargs'
import { bundleFields, bundleVerifyFields } from '../../lib/bundle/bundle-fields.js'
import { bytes, count, counted } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer, nearby } from '../output.js'

const verify: CommandModule = {
  command: 'verify <folder>',
  describe: 'compare an unpacked bundle with its manifest',
  builder: (y) =>
    y
      .positional('folder', { type: 'string', describe: 'folder that the bundle was unpacked into' })
      .options(flags(bundleVerifyFields)),
  handler: async (argv) => {
    const { verifyBundle } = await import('../../lib/bundle/verify-bundle.js')
    const found = await verifyBundle(String(argv.folder), given(bundleVerifyFields, argv))
    const how = found.hashed === found.files ? '' : ` (${count(found.files - found.hashed)} large files by size only)`
    const text = () => `the bundle is intact: ${counted(found.files, 'file')}, ${bytes(found.bytes)}${how}`
    answer(found, text, argv.json === true)
  },
}

export const bundling: CommandModule = {
  command: 'bundle <run..>',
  describe: 'pack runs with all they need into an archive that serves them on a machine with Node alone',
  builder: (y) =>
    y
      .command(verify)
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', {
        type: 'string',
        describe: 'folders of runs, or their names below artifacts/lvm/models; NAME=RUN gives one another name',
      })
      .options(flags(bundleFields))
      .alias('out', 'o')
      .example('$0 bundle lstm_baseline --bank vectors.npy -o app.tgz', 'then: tar -xzf app.tgz -C FOLDER, and FOLDER/serve')
      .example('$0 bundle verify FOLDER', 'compares every file with its hash'),
  handler: async (argv) => {
    const { bundle } = await import('../../lib/bundle/bundle.js')
    const json = argv.json === true
    const made = await bundle({ runs: (argv.run as string[]).map(String), ...given(bundleFields, argv) })
    const parts = Object.entries(made.parts).flatMap(([name, size]) => (size > 0 ? [`${name} ${bytes(size)}`] : []))
    answer(
      made,
      () =>
        [
          `${nearby(made.out)}: ${bytes(made.bytes)}, unpacked ${bytes(made.unpacked_bytes)} in ${counted(made.files, 'file')} (${parts.join(', ')})`,
          `runs on ${made.platform} with Node ${made.node}${made.glibc === null ? '' : ` and glibc ${made.glibc}`} or newer`,
          `next: mkdir app && tar -xzf ${nearby(made.out)} -C app && app/serve`,
        ].join('\n'),
      json,
    )
  },
}
