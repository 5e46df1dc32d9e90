import { LvmError } from '../../errors.js'
import { type NativeT5, native, type T5Search } from '../../native.js'
import { call, Tensor } from '../../torch/tensor.js'
import { disposeAll, readWeight, sameElements } from './read-weights.js'
import { checkedLayout, type T5Layout, type T5Part } from './t5-layout.js'

/** Token ids that every T5 has. */
export const PAD = 0
export const END = 1

/** Distance from which positions share one bias, and the ε of norms, where config.json does not give them. */
const FAR = 128
const EPS = 1e-6
const numberOr = (value: unknown, otherwise: number) => (typeof value === 'number' && value > 0 ? value : otherwise)

export const GREEDY = { shortest: 1, beams: 1, returned: 1, lengthPenalty: 1 } as const satisfies Partial<T5Search>

/** Whether the head has weights of its own. Errors: BAD_CHECKPOINT when aliases of the embedding differ. */
async function hasOwnHead({ path, prefix, tensors, aliases }: T5Part): Promise<boolean> {
  const shared = tensors.get('shared.weight')!
  for (const [name, stored] of aliases) {
    if (name === 'lm_head.weight' || (await sameElements(shared, stored))) continue
    throw new LvmError('BAD_CHECKPOINT', `${path}: expected "${prefix}${name}" to equal "${prefix}shared.weight", as in every T5`)
  }
  const head = aliases.get('lm_head.weight')
  return head !== undefined && !(await sameElements(shared, head))
}

/** A T5 in memory: its encoder, and the generation of text if it has a decoder. */
export class T5 {
  private constructor(
    private readonly handle: NativeT5,
    private readonly shared: Tensor,
    readonly layout: T5Layout,
  ) {}

  /** Reads weights. Errors: BAD_CHECKPOINT names every tensor that is missing, unexpected, of another shape or not finite. */
  static async load(part: T5Part, o: { decoder: boolean }): Promise<T5> {
    const layout = checkedLayout(part, o.decoder)
    const ownHead = await hasOwnHead(part)
    const stored = new Map(part.tensors)
    if (ownHead) stored.set('lm_head.weight', part.aliases.get('lm_head.weight')!)
    const read = new Map<string, Tensor>()
    try {
      for (const [name, tensor] of stored) read.set(name, await readWeight(part.path, part.prefix + name, tensor))
      const settings = {
        maxDistance: numberOr(part.config.relative_attention_max_distance, FAR),
        eps: numberOr(part.config.layer_norm_epsilon, EPS),
        logitScale: ownHead || part.config.tie_word_embeddings === false ? 1 : layout.width ** -0.5,
      }
      const handle = await native.t5(settings, Object.fromEntries(Array.from(read, ([name, tensor]) => [name, tensor.native])))
      const shared = read.get('shared.weight')!
      read.delete('shared.weight')
      return new T5(handle, shared, layout)
    } finally {
      disposeAll(read.values())
    }
  }

  /** Vectors of token ids. Shapes: ids [batch, time] → [batch, time, width]. */
  async embed(ids: Tensor): Promise<Tensor> {
    return (await call('aten::embedding', [this.shared, ids])) as Tensor
  }
  /** Shapes: x [batch, time, width], mask [batch, time] → [batch, time, width]. */
  async encode(x: Tensor, mask: Tensor): Promise<Tensor> {
    return Tensor.wrap(await native.t5Encode(this.handle, x.native, mask.native))
  }
  /** Logits of the ids after each given one. Shapes: ids [batch, n] → [batch, n, tokens]. */
  async logits(encoded: Tensor, mask: Tensor, ids: Tensor): Promise<Tensor> {
    return Tensor.wrap(await native.t5Logits(this.handle, encoded.native, mask.native, ids.native))
  }
  /** Texts of each source in turn, best first, from the start (0) to the end (1) unless cut. Errors: INTERRUPTED. */
  async generate(x: Tensor, mask: Tensor, search: T5Search, signal?: AbortSignal): Promise<number[][]> {
    const flag = native.stopFlag()
    const stop = () => native.raiseFlag(flag)
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      using encoded = await this.encode(x, mask)
      const texts = await native.t5Generate(this.handle, encoded.native, mask.native, search, flag)
      return texts.map((ids) => Array.from(ids))
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }
  dispose(): void {
    native.t5Dispose(this.handle)
    this.shared.dispose()
  }
}
