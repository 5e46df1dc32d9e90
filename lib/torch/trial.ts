// Run in a process of its own (lib/libtorch/probe-libtorch.ts): does this libtorch compute on this device, or does it take the process down?
import { asLvmError, LvmError } from '../errors.js'
import { native } from '../native.js'
import { Tensor } from './tensor.js'

const n = 256

async function trial(device: string): Promise<object> {
  const start = performance.now()
  const ones = () => Tensor.from(new Float32Array(n * n).fill(1), [n, n]).to({ device })
  const weight = await (await ones()).op('aten::requires_grad_', true)
  const sum = await (await weight.op('aten::mm', await ones())).op('aten::sum')
  await sum.backward()
  const gradient = (await (await weight.grad!.to({ device: 'cpu' })).data())[0]
  if ((await sum.item()) !== n ** 3 || gradient !== n) {
    throw new LvmError('LIBTORCH_MISMATCH', `libtorch: expected a product of ones on ${device} to be right but it is wrong`)
  }
  return {
    ok: true,
    libtorch: native.libtorchVersion(),
    capability: native.cpuCapability(),
    threads: native.threads(),
    devices: native.devices(),
    milliseconds: Math.round(performance.now() - start),
  }
}

trial(process.argv[2] ?? 'cpu').then(
  (answer) => process.stdout.write(JSON.stringify(answer)),
  (error) => {
    const { code, message, commandHint: hint } = asLvmError(error)
    process.stdout.write(JSON.stringify({ ok: false, crashed: false, code, message, hint }))
    process.exitCode = 1
  },
)
