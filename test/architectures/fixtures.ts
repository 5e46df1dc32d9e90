import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LvmError } from '../../lib/errors.js'

/** Folder of golden tensors of the reference implementations: `LVM_FIXTURES`, or the one beside the repository. */
export const fixtureFolder = process.env.LVM_FIXTURES ?? '../shared/fixtures'

export interface Fixture {
  variant: string
  arch: string
  config: Record<string, number | string | boolean | number[]>
  batch: number
  vec_dim: number
  causal: boolean
  recurrent_state: string | null
  param_count: number
  params: { name: string; shape: number[] }[]
  buffers: string[]
  tolerance: Record<'float32' | 'float64', { value_rtol: number; grad_rtol: number; grad_rtol_for?: Record<string, number> }>
  cases: { T: number; loss: number; grad_atol: number }[]
}
export type Arrays = Map<string, { shape: number[]; data: Float64Array }>

/** Lists all variants in the folder. Errors: FILE_MISSING without an index, because zero variants prove nothing. */
export function fixtures(): Fixture[] {
  const index = join(fixtureFolder, 'index.json')
  if (!existsSync(index)) throw new LvmError('FILE_MISSING', `fixtures: expected ${index}`, { hint: 'set LVM_FIXTURES' })
  const { fixtures } = JSON.parse(readFileSync(index, 'utf8')) as { fixtures: { variant: string }[] }
  return fixtures.map(({ variant }) => JSON.parse(readFileSync(join(fixtureFolder, `${variant}.json`), 'utf8')) as Fixture)
}

/** Reads all tensors of a `.safetensors` file in float64, without lib/data. */
export function arrays(variant: string): Arrays {
  const file = readFileSync(join(fixtureFolder, `${variant}.safetensors`))
  const length = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.subarray(8, 8 + length).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const tensors: Arrays = new Map()
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const bytes = file.buffer.slice(
      file.byteOffset + 8 + length + data_offsets[0],
      file.byteOffset + 8 + length + data_offsets[1],
    )
    tensors.set(name, { shape, data: dtype === 'F64' ? new Float64Array(bytes) : Float64Array.from(new Float32Array(bytes)) })
  }
  return tensors
}

/** Converts the configuration of a fixture to options of lvm-torch. */
const OPTION: Record<string, string> = {
  d_model: 'width',
  n_layers: 'layers',
  n_heads: 'heads',
  dim_ffn: 'ffn',
  d_ff: 'ffn',
  dim_feedforward: 'ffn',
  d_state: 'state',
  d_conv: 'kernel',
  headdim: 'headDim',
  attn_heads: 'heads',
  attn_head_dim: 'attnHeadDim',
  attn_idx: 'attnLayers',
  ffn_dim: 'ffn',
  n_positions: 'positions',
  seq_len: 'positions',
  k: 'slots',
  dim_head: 'headDim',
  nb_features: 'features',
  in_proj: 'inProj',
  value_dim: 'value',
  n_ssm: 'copies',
  inner: 'ffn',
  l_max: 'positions',
  filter_order: 'filterWidth',
  w: 'frequency',
  qkv_bias: 'qkvBias',
  attn_out_bias: 'attnOutBias',
}
export function optionsOf(fixture: Fixture, known: readonly string[]): Record<string, unknown> {
  const options: Record<string, unknown> = { output: 'unit', inputScale: 'none' }
  for (const [key, value] of Object.entries(fixture.config)) {
    const name = OPTION[key] ?? key
    if (!known.includes(name) || value === null) continue // null: the default of the reference
    options[name] = Array.isArray(value) ? value.join() : value
  }
  const { d_model: width, n_ssm, expand, emb_dim } = fixture.config as Record<string, number | null>
  if (n_ssm === null) options.copies = width // every channel has its own state matrix
  if (known.includes('pattern')) options.ffn = width! * expand!
  if (known.includes('bands')) options.bands = (emb_dim! - 1) / 2
  return options
}
