// Runs in its own process (runtime.ts): computes an exported model with a package of ONNX Runtime.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { refused } from './refused.js'

interface Question {
  readonly kind: 'onnxruntime-node' | 'onnxruntime-web'
  readonly path: string
  readonly model: string
  readonly shapes: readonly (readonly [number, number, number])[]
  readonly inputs: string
  readonly outputs: string
  readonly input: string
  readonly output: string
}
interface OnnxTensor {
  readonly data: Float32Array
}
/** The part of onnxruntime-common that is used. */
interface Ort {
  readonly env: { readonly wasm: { numThreads?: number }; readonly versions: Readonly<Record<string, string | undefined>> }
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxTensor
  readonly InferenceSession: {
    create(model: string | Uint8Array): Promise<{ run(feeds: Record<string, OnnxTensor>): Promise<Record<string, OnnxTensor>> }>
  }
}

async function answer(): Promise<string> {
  const ask = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Question
  const ort = createRequire(import.meta.url)(ask.path) as Ort
  if (ask.kind === 'onnxruntime-web') ort.env.wasm.numThreads = 1
  const session = await ort.InferenceSession.create(ask.kind === 'onnxruntime-web' ? readFileSync(ask.model) : ask.model)
  const inputs = new Float32Array(new Uint8Array(readFileSync(ask.inputs)).buffer)
  const outputs: Uint8Array[] = []
  let at = 0
  for (const shape of ask.shapes) {
    const count = shape[0] * shape[1] * shape[2]
    const given = new ort.Tensor('float32', inputs.slice(at, at + count), shape)
    const { data } = (await session.run({ [ask.input]: given }))[ask.output]!
    outputs.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    at += count
  }
  writeFileSync(ask.outputs, Buffer.concat(outputs))
  const { versions } = ort.env
  return `${ask.kind} ${versions.node ?? versions.web ?? versions.common}`
}

answer().then(
  (value) => process.stdout.write(JSON.stringify({ ok: true, value })),
  (error) => {
    const {
      code,
      message,
      commandHint: hint,
    } = refused(String(error instanceof Error ? error.message : error).split('\n')[0]!, error)
    process.stdout.write(JSON.stringify({ ok: false, code, message, hint }))
    process.exitCode = 1
  },
)
