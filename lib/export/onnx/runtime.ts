import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { inFreshProcess } from '../../checkpoint/fresh-process.js'
import { LvmError } from '../../errors.js'
import { apart, packageRoot } from '../../libtorch/paths.js'
import { INPUT, OUTPUT } from './onnx.js'
import { refused } from './refused.js'

/** An ONNX Runtime that can compute an exported model: a package of Node or of a Python. */
export interface Runtime {
  readonly kind: 'onnxruntime-node' | 'onnxruntime-web' | 'python'
  /** Entry file of the package, or the Python. */
  readonly path: string
}
/** A batch of contexts, and the values of their vectors. */
export interface Batch {
  readonly shape: readonly [batch: number, time: number, dim: number]
  readonly values: Float32Array
}

const run = promisify(execFile)
/** onnxruntime-web has 4 GiB of memory for the file, its weights and all that is computed. Units: bytes. */
const MOST_IN_WEB = 1.2e9

function packageAt(name: string): string | undefined {
  for (const root of [process.cwd(), packageRoot()]) {
    try {
      return createRequire(join(root, 'package.json')).resolve(name)
    } catch {} // not installed there
  }
  return undefined
}
async function python(): Promise<string | undefined> {
  const set = process.env.LVM_TORCH_USE_PYTORCH
  const own = set === undefined || set === '1' || set === '' ? [] : [/[\\/]/.test(set) ? resolve(set) : set]
  for (const path of [...own, 'python3', 'python']) {
    const script = 'import numpy, onnxruntime, sys; print(sys.executable)'
    const found = await run(path, ['-c', script], { ...apart(), timeout: 60_000 }).catch(() => undefined)
    if (found !== undefined) return found.stdout.trim().split('\n').at(-1)
  }
  return undefined
}

/** Finds an ONNX Runtime for a model with so many bytes of weights. Errors: ONNX_MISSING. */
export async function findRuntime(weights: number): Promise<Runtime> {
  const node = packageAt('onnxruntime-node')
  if (node !== undefined) return { kind: 'onnxruntime-node', path: node }
  const web = packageAt('onnxruntime-web')
  if (web !== undefined && weights <= MOST_IN_WEB) return { kind: 'onnxruntime-web', path: web }
  const path = await python()
  if (path !== undefined) return { kind: 'python', path }
  const small = web === undefined ? '' : ` (onnxruntime-web is here, but holds no model of ${Math.round(weights / 1e6)} MB)`
  throw new LvmError('ONNX_MISSING', `export: expected an ONNX Runtime to compare the file with the run, but found none${small}`)
}

const SCRIPT = `import json, sys, numpy, onnxruntime
ask = json.load(open(sys.argv[1]))
session = onnxruntime.InferenceSession(ask["model"], providers=["CPUExecutionProvider"])
at = 0
with open(ask["outputs"], "wb") as outputs:
  for shape in ask["shapes"]:
    count = shape[0] * shape[1] * shape[2]
    x = numpy.fromfile(ask["inputs"], dtype="<f4", count=count, offset=4 * at).reshape(shape)
    outputs.write(session.run([ask["output"]], {ask["input"]: x})[0].astype("<f4").tobytes())
    at += count
print("onnxruntime " + onnxruntime.__version__)
`

/**
 * Computes a model of a file in a process of its own.
 *
 * Errors: BAD_EXPORT when the runtime refuses the file.
 */
export async function computeInRuntime(
  { kind, path }: Runtime,
  model: string,
  batches: readonly Batch[],
): Promise<{ outputs: Float32Array[]; runtime: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'lvm-torch-onnx-'))
  try {
    const [inputs, outputs, question] = ['inputs', 'outputs', 'question'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    await writeFile(
      inputs,
      Buffer.concat(batches.map(({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength))),
    )
    const shapes = batches.map(({ shape }) => shape)
    await writeFile(question, JSON.stringify({ kind, path, model, shapes, inputs, outputs, input: INPUT, output: OUTPUT }))
    const runtime =
      kind === 'python'
        ? await inPython(path, question)
        : await inFreshProcess<string>('export', join(packageRoot(), 'dist', 'lib', 'export', 'onnx', 'runtime-child.js'), [
            question,
          ])
    const all = new Float32Array(new Uint8Array(await readFile(outputs)).buffer)
    const parts: Float32Array[] = []
    for (let at = 0; parts.length < shapes.length; at += parts.at(-1)!.length) {
      const [batch, , dim] = shapes[parts.length]!
      parts.push(all.subarray(at, at + batch * dim))
    }
    return { runtime, outputs: parts }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function inPython(python: string, question: string): Promise<string> {
  try {
    const { stdout } = await run(python, ['-c', SCRIPT, question], apart())
    return stdout.trim().split('\n').at(-1)!
  } catch (cause) {
    throw refused(
      String((cause as { stderr?: string }).stderr)
        .trim()
        .split('\n')
        .at(-1)!,
      cause,
    )
  }
}
