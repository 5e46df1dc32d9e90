import { checkedArguments, only, optional, word, yesOrNo } from '../door.js'
import { LvmError } from '../errors.js'
import { type DType, type NativeScript, native } from '../native.js'
import { resolveDevice } from './device.js'
import { DTYPE } from './dtypes.js'
import { readable } from './lists.js'
import { Tensor } from './tensor.js'

const ARGS = { path: word, options: only({ allowCode: optional(yesOrNo), device: optional(word), dtype: optional(DTYPE) }) }

/** A loaded TorchScript file, which is a program that runs here. Free it with `dispose()` (or `using`). */
export class TorchScriptModule {
  private constructor(
    private readonly handle: NativeScript,
    readonly path: string,
  ) {}

  /**
   * Loads any TorchScript module, with its parameters in `dtype` if given; requires `allowCode`, because loading can run code.
   *
   * Errors: DATA_UNSAFE without `allowCode`; FILE_MISSING, DATA_FORMAT, DEVICE_UNAVAILABLE.
   */
  static async load(
    path: string,
    options: { allowCode?: boolean; device?: string; dtype?: DType } = {},
  ): Promise<TorchScriptModule> {
    const [file, given] = checkedArguments('TorchScriptModule.load', ARGS, [path, options]) as [string, typeof options]
    const { allowCode = false, device = 'auto', dtype } = given
    if (allowCode !== true) {
      throw new LvmError('DATA_UNSAFE', `${file}: expected allowCode: true, because a TorchScript file is a program`, {
        hint: 'load only files from people you trust, with { allowCode: true }',
      })
    }
    const where = resolveDevice(device)
    try {
      return new TorchScriptModule(await native.scriptLoad(file, where, dtype), file)
    } catch (cause) {
      const missing = /No such file|open file failed/.test((cause as Error).message)
      throw new LvmError(
        missing ? 'FILE_MISSING' : 'DATA_FORMAT',
        missing
          ? `${file}: expected a TorchScript file but there is none`
          : `${file}: expected a TorchScript file but libtorch cannot read it`,
        { cause },
      )
    }
  }

  /** Calls `forward` with these tensors, without gradients. Errors: BAD_ARGUMENT unless it returns a tensor; NATIVE with the message of the program. */
  async forward(...inputs: readonly Tensor[]): Promise<Tensor> {
    return Tensor.wrap(
      await native.scriptRun(
        this.handle,
        inputs.map((input) => readable('TorchScriptModule.forward', () => input.native)),
      ),
    )
  }
  dispose(): void {
    native.scriptDispose(this.handle)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}
