// Runs in its own process (lib/libtorch/probe-libtorch.ts), because a libtorch that does not fit can crash it.
import { asLvmError, LvmError } from '../errors.js'
import { watchCpuShare } from '../libtorch/cpu-share.js'
import { idleThreads } from '../libtorch/machine.js'
import { native } from '../native.js'
import { Tensor } from './tensor.js'

const n = 256

async function trial(device: string): Promise<object> {
  const [start, share] = [performance.now(), watchCpuShare()]
  const ones = () =>
    Tensor.from(new Float32Array(n * n).fill(1), [n, n])
      .to({ device })
      .ready()
  const weight = await (await ones()).op('aten::requires_grad_', true)
  const sum = await (await weight.op('aten::mm', await ones())).op('aten::sum')
  await sum.backward()
  const gradient = (await (await weight.grad!.to({ device: 'cpu' }).ready()).data())[0]
  if ((await sum.item()) !== n ** 3 || gradient !== n) {
    throw new LvmError('LIBTORCH_MISMATCH', `libtorch: expected a correct product of ones on ${device} but received a wrong one`)
  }
  return {
    ok: true,
    libtorch: native.libtorchVersion(),
    capability: native.cpuCapability(),
    threads: native.threads(),
    idle_threads: idleThreads(),
    devices: native.devices(),
    milliseconds: Math.round(performance.now() - start),
    cpu_share: share(),
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
