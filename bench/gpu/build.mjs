// The build of the addon against a Python's PyTorch, with CMake alone: no network, no npm.
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const FACTS = `
import json, sys, torch
gpu = torch.cuda.is_available()
p = torch.cuda.get_device_properties(0) if gpu else None
print(json.dumps({"python": sys.version.split()[0], "torch": torch.__version__, "cuda": torch.version.cuda, "gpus": torch.cuda.device_count(),
  "gpu": p.name if gpu else None, "capability": list(torch.cuda.get_device_capability(0)) if gpu else None, "memory": p.total_memory if gpu else None}))`

/** Facts about a Python's PyTorch. Errors: a Python, a version or a GPU that the check cannot use. */
export function pythonFacts(python, device) {
  let facts
  try {
    facts = JSON.parse(
      execFileSync(python, ['-c', FACTS], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
        .trim()
        .split('\n')
        .at(-1),
    )
  } catch (error) {
    const why = String(error.stderr ?? error.message)
      .trim()
      .split('\n')
      .at(-1)
    throw new Error(`expected a Python with PyTorch but received ${python}: ${why}; name one: --python /path/to/python`)
  }
  const [major, minor] = facts.torch.split('.').map(Number)
  if (major !== 2 || minor < 11 || minor > 15)
    throw new Error(`expected PyTorch 2.11 to 2.15 but received ${facts.torch} in ${python}`)
  if (device.startsWith('cuda') && facts.gpus === 0)
    throw new Error(`expected a GPU but PyTorch ${facts.torch} (CUDA ${facts.cuda}) sees none; --device cpu walks the same path`)
  return { ...facts, said: `PyTorch ${facts.torch}, CUDA ${facts.cuda ?? 'none'}, ${facts.gpu ?? 'no GPU'}` }
}

const done = (program, args, o, started) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...o, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    started(child)
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text = `${text}${data}`.slice(-20000)))
    child.on('error', (error) => reject(new Error(`${program} does not start: ${error.message}`)))
    child.on('close', (code) => {
      const fault = text.split('\n').find((line) => /error/i.test(line)) ?? text.trim().split('\n').at(-1)
      code === 0 ? resolve(text) : reject(new Error(`${program} ${args[0]}: exit code ${code}: ${fault}`))
    })
  })

/** Compiles the addon below build-gpu/ and returns the environment in which lvm-torch uses it, with that PyTorch as libtorch. */
export async function buildFor(root, python, { existing, started }) {
  const env = { LVM_TORCH_USE_PYTORCH: python, LVM_TORCH_LIBTORCH: '' }
  if (existing) return { env, said: 'not asked for: the addon of this clone' }
  const from = performance.now()
  const script = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
  const libtorch = execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim()
  const folder = join(root, 'build-gpu')
  const cmake = join(folder, 'cmake')
  const ninja = await done('ninja', ['--version'], {}, started).then(
    () => ['-G', 'Ninja'],
    () => [],
  )
  const configure = [
    ...['-S', root, '-B', cmake, ...ninja, '-DCMAKE_BUILD_TYPE=Release', `-DLIBTORCH_DIR=${libtorch}`],
    `-DNODE_ADDON_API_DIR=${require('node-addon-api').include_dir}`,
    `-DNODE_API_HEADERS_DIR=${require('node-api-headers').include_dir}`,
  ]
  await done('cmake', configure, { cwd: root }, started)
  await done('cmake', ['--build', cmake, '--parallel', String(availableParallelism())], { cwd: root }, started)
  for (const [file, to] of [
    ['lvm_torch.node', 'build/Release'],
    ['artifacts/loader/loader.node', 'build/loader'],
  ]) {
    mkdirSync(join(folder, to), { recursive: true })
    copyFileSync(join(cmake, file), join(folder, to, file.split('/').at(-1)))
  }
  const compiler = /CMAKE_CXX_COMPILER:\w+=(.*)/.exec(readFileSync(join(cmake, 'CMakeCache.txt'), 'utf8'))?.[1]
  const seconds = (performance.now() - from) / 1000
  return {
    env: { ...env, LVM_TORCH_PREBUILD: folder },
    said: `${compiler}, ${availableParallelism()} cores, ${libtorch}`,
    seconds_of_build: seconds,
  }
}
