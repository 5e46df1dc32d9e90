import { cudaWheels, type Wheel } from './cuda-pins.js'

/** The supported version of libtorch. */
export const VERSION = '2.13.0'

/** Whether LVM_TORCH_ANY_VERSION allows other versions, for compiling against older and newer ones. */
export const anyVersion = (env: Readonly<Record<string, string | undefined>> = process.env): boolean =>
  env.LVM_TORCH_ANY_VERSION === '1'

/** Whether a version is a patch release of the supported one: only patch releases keep the binary interface. */
export const supported = (version: string): boolean => version.split('.', 2).join('.') === VERSION.split('.', 2).join('.')

/** Wheels and sizes of one platform. */
export interface Platform {
  /** Platform tags for pip. */
  readonly tags: readonly string[]
  readonly wheels: readonly Wheel[]
  /** Further wheels of the GPU variant. */
  readonly cuda?: readonly Wheel[]
  /** Size after unpacking. Units: bytes. */
  readonly unpacked: number
}

// pip matches tags literally: manylinux_2_28 does not include 2_17, which some NVIDIA wheels have.
const manylinux = (arch: string) => [
  ...['manylinux1', 'manylinux2010', 'manylinux2014'].map((name) => `${name}_${arch}`),
  ...Array.from({ length: 31 }, (_, i) => `manylinux_2_${5 + i}_${arch}`),
]

const torch = (bytes: number, sha256: string): Wheel => ({ name: 'torch', version: VERSION, bytes, sha256 })
const cudart = (bytes: number, sha256: string): Wheel => ({ name: 'nvidia-cuda-runtime', version: '13.0.96', bytes, sha256 })
const cupti = (bytes: number, sha256: string): Wheel => ({ name: 'nvidia-cuda-cupti', version: '13.0.85', bytes, sha256 })

/** Pinned wheels by `process.platform`-`process.arch`. On Linux libtorch_cpu needs two small CUDA libraries even without a GPU. */
export const PLATFORMS: Readonly<Record<string, Platform>> = {
  'linux-x64': {
    tags: manylinux('x86_64'),
    cuda: cudaWheels('x64'),
    unpacked: 520e6,
    wheels: [
      cudart(2_243_632, '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548'),
      cupti(10_715_597, '4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8'),
      torch(526_574_961, '60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7'),
    ],
  },
  'linux-arm64': {
    tags: manylinux('aarch64'),
    cuda: cudaWheels('arm64'),
    unpacked: 700e6,
    wheels: [
      cudart(0, 'ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55'),
      cupti(0, '796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151'),
      torch(427_199_369, '092790c696a760c729fd5722835f50b9d81fd7c8f141571f3f3cf4081a8f664c'),
    ],
  },
  'darwin-arm64': {
    tags: ['macosx_14_0_arm64'],
    unpacked: 400e6,
    wheels: [torch(111_187_938, 'e76f9bcecc52b8ff711239a2f7547d5353df95878ab232f0773c1d95928b92f8')],
  },
  'win32-x64': {
    tags: ['win_amd64'],
    unpacked: 500e6,
    wheels: [torch(122_015_870, 'a0d8b11f16a48d60e2015d8213aa0390744cbebb98e58b62b3514dddc656e330')],
  },
}

/** Platform of this process. */
export const here = `${process.platform}-${process.arch}`
/** Package from npm with the libtorch of this platform. */
export const LIBTORCH_PACKAGE = `@lvm-torch/libtorch-${here}`
