import type { NativeRanks, NativeTensor, NativeTrainer } from './handles.js'

/** What the addon offers for data-parallel training. */
export interface RanksAddon {
  /** Connects to the store of a training; rank 0 runs it with `serve`. `timeout` in milliseconds. */
  ranks(o: {
    rank: number
    size: number
    address: string
    port: number
    serve: boolean
    prefix: string
    timeout: number
    shareMemory: boolean
  }): Promise<NativeRanks>
  ranksPort(ranks: NativeRanks): number
  /** Connects all ranks to each other. */
  ranksConnect(ranks: NativeRanks, address: string, networkInterface: string): Promise<undefined>
  /** Says what this rank is doing, beside its signs of life. */
  ranksNote(ranks: NativeRanks, text: string): void
  /** After a failure: ends waits for other ranks, and disposing does not wait for sums that they leave open. */
  ranksAbandon(ranks: NativeRanks): void
  ranksSet(ranks: NativeRanks, key: string, text: string): Promise<undefined>
  ranksGet(ranks: NativeRanks, key: string): Promise<string | null>
  /** Adds a tensor up over all ranks, in place. */
  ranksSum(ranks: NativeRanks, tensor: NativeTensor): Promise<undefined>
  /** Gives all ranks the weights and the optimizer state of rank 0. */
  ranksShare(ranks: NativeRanks, trainer: NativeTrainer): Promise<undefined>
}
