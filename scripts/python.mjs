// Gets a Python with PyTorch, for the long tests and the benchmarks, and prints its path as the last line of stdout.
// LVM_TORCH_TEST_PYTHON names an existing one; otherwise a virtual environment is made once below node_modules/.cache.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const TORCH = '2.13.0'
const PACKAGES = [`torch==${TORCH}`, 'numpy', 'safetensors']
/** Optional packages of single tests and benchmarks, by module name. */
const EXTRAS = {
  transformers: 'transformers==5.24.0',
  sentence_transformers: 'sentence-transformers==6.2.0',
  faiss: 'faiss-cpu==1.15.1',
  fastapi: 'fastapi==0.165.0',
  uvicorn: 'uvicorn[standard]==0.54.0',
  tensorboard: 'tensorboard==2.21.0',
  mlflow: 'mlflow==3.18.0',
  onnx: 'onnx==1.23.2',
  onnxruntime: 'onnxruntime==1.32.0',
}
const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules', '.cache', 'lvm-torch-python')
const stamp = join(folder, 'lvm-torch.stamp')
const own = process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')

const fail = (what, fix) => {
  process.stderr.write(`python: ${what}\nfix: ${fix}\n`)
  process.exit(1)
}
/** PYTHONSAFEPATH: Python imports no module from the working folder. */
const apart = { cwd: dirname(dirname(fileURLToPath(import.meta.url))), env: { ...process.env, PYTHONSAFEPATH: '1' } }
const quiet = (program, ...args) => spawnSync(program, args, { ...apart, encoding: 'utf8' })
/** Runs with its output on stderr, because stdout carries the path alone. */
const loud = (program, ...args) => spawnSync(program, args, { ...apart, stdio: ['ignore', 2, 2] }).status === 0
const last = (text) => text.trim().split('\n').at(-1)

/** Checks a Python that the user manages, and installs nothing into it. */
function given(python) {
  const { status, stdout, stderr, error } = quiet(python, '-c', 'import numpy, safetensors, torch; print(torch.__version__)')
  const fix = `run: ${python} -m pip install ${PACKAGES.join(' ')}, or unset LVM_TORCH_TEST_PYTHON`
  if (error)
    fail(`expected a Python at LVM_TORCH_TEST_PYTHON but ${python} does not start (${error.code})`, 'name one, or unset it')
  if (status !== 0) fail(`expected ${PACKAGES.join(', ')} in ${python} but received «${last(stderr)}»`, fix)
  if (stdout.trim().split('+')[0] !== TORCH) fail(`expected torch ${TORCH} in ${python} but received ${stdout.trim()}`, fix)
  return python
}

function made() {
  if (existsSync(stamp) && existsSync(own) && readFileSync(stamp, 'utf8') === PACKAGES.join('\n')) return own
  const able = (name) => quiet(name, '-c', 'import sys; sys.exit(sys.version_info < (3, 10))').status === 0
  const base = ['python3', 'python'].find(able)
  if (!base)
    fail('expected Python 3.10 or newer on the PATH but found none', 'install it, or set LVM_TORCH_TEST_PYTHON=/path/to/python')
  process.stderr.write(`python: making ${folder}; on Linux torch and its CUDA libraries are a download of about 2.5 GB\n`)
  process.stderr.write(
    'python: PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu reduces it to 0.2 GB where that host can be reached\n',
  )
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(dirname(folder), { recursive: true })
  if (!loud(base, '-m', 'venv', folder))
    fail(`${base} could not make a virtual environment`, 'on Debian run: sudo apt-get install -y python3-venv')
  if (!loud(own, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES)) {
    fail(
      `pip could not install ${PACKAGES.join(', ')}`,
      'check the network and the disk (8 GB) and run: node scripts/python.mjs; or set LVM_TORCH_TEST_PYTHON=/path/to/python',
    )
  }
  given(own)
  writeFileSync(stamp, PACKAGES.join('\n'))
  return own
}

/** Installs the optional packages; without them fewer tests run. */
function extended(python) {
  for (const [name, extra] of Object.entries(EXTRAS)) {
    const there = quiet(python, '-c', `import importlib.util, sys; sys.exit(importlib.util.find_spec("${name}") is None)`)
    const add = () => loud(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', extra)
    if (there.status !== 0 && !add())
      process.stderr.write(`python: ${extra} could not be installed; the tests and benchmarks that need it are left out\n`)
  }
  return python
}

const setting = process.env.LVM_TORCH_TEST_PYTHON
const named = setting && /[\\/]/.test(setting) ? resolve(setting) : setting
process.stdout.write(`${named ? given(named) : extended(made())}\n`)
