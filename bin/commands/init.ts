import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { CommandModule } from 'yargs'
import { badOption, fileError } from '../../lib/errors.js'
import { shellWord } from '../../lib/show.js'
import { answer, nearby } from '../output.js'
import { packageRoot } from '../package.js'

/** Folder of the files that `init` writes; one whose name npm would not pack as it is has an underscore before it. */
const TEMPLATE = new URL('examples/project/', packageRoot)

/** Turns the name of a folder into one that npm accepts for a package. */
export const packageName = (folder: string): string =>
  basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '') || 'predictor'

export const initialising: CommandModule = {
  command: 'init [folder]',
  describe: 'write a project to start from: package.json, a script, settings and a README',
  builder: (y) =>
    y
      .positional('folder', { type: 'string', describe: 'folder of the project; without it this folder' })
      .example('$0 init my-predictor', 'then: cd my-predictor && npm install && npm start'),
  handler: async (argv) => {
    const folder = String(argv.folder ?? '.')
    const names = readdirSync(TEMPLATE)
    const there = names.find((name) => existsSync(join(folder, name)))
    if (there !== undefined)
      throw badOption('init', 'folder', `a folder without ${there}, because nothing is overwritten,`, folder, 'name a new folder')
    try {
      await mkdir(folder, { recursive: true })
      for (const name of names) {
        const text = await readFile(new URL(name, TEMPLATE), 'utf8')
        await writeFile(join(folder, name), text.replaceAll('my-predictor', packageName(folder)), { flag: 'wx' })
      }
    } catch (error) {
      throw fileError(error, 'could not write the project')
    }
    const written = names.map((name) => nearby(join(resolve(folder), name)))
    const enter = resolve(folder) === process.cwd() ? '' : `cd ${shellWord(folder)} && `
    answer(
      { version: 1, folder: resolve(folder), files: names },
      () => `wrote ${written.join(', ')}\nnext: ${enter}npm install && npm start`,
      argv.json === true,
    )
  },
}
