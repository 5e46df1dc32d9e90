/** One wheel of the package index. */
export interface Wheel {
  readonly name: string
  readonly version: string
  readonly sha256: string
  /** Size for progress and disk checks; 0 for small wheels of unknown size. Units: bytes. */
  readonly bytes: number
}

/** NVIDIA wheels that the GPU variant needs besides torch: name, version, SHA-256 for x86_64 and for aarch64. */
const WHEELS: readonly (readonly [name: string, version: string, x64: string, arm64: string])[] = [
  [
    'nvidia-cudnn-cu13',
    '9.20.0.48',
    '0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304',
    'e31454ae00094b0c55319d9d15b6fa2fc50a9e1c0f5c8c80fb75258234e731e1',
  ],
  [
    'nvidia-cusparselt-cu13',
    '0.8.1',
    '786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0',
    '4dca476c50bf4780d46cd0bfbd82e2bc10a08e4fef7950917ce8d7578d22a23f',
  ],
  [
    'nvidia-nccl-cu13',
    '2.29.7',
    'edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d',
    '674a12383e3c38a1bcccae7d4f3633b37852230b6047883cb2f4c2d1b36d9bf5',
  ],
  [
    'nvidia-nvshmem-cu13',
    '3.4.5',
    '290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80',
    '6dc2a197f38e5d0376ad52cd1a2a3617d3cdc150fd5966f4aee9bcebb1d68fe9',
  ],
  [
    'nvidia-cublas',
    '13.1.1.3',
    '37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436',
    'b7a210458267ac818974c53038fbec2e969d5c99f305ab15c72522fa9f001dd5',
  ],
  [
    'nvidia-cuda-nvrtc',
    '13.0.88',
    'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575',
    'd27f20a0ca67a4bb34268a5e951033496c5b74870b868bacd046b1b8e0c3267b',
  ],
  [
    'nvidia-cufft',
    '12.0.0.61',
    '6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3',
    '2708c852ef8cd89d1d2068bdbece0aa188813a0c934db3779b9b1faa8442e5f5',
  ],
  [
    'nvidia-cufile',
    '1.15.1.6',
    '08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44',
    'bdc0deedc61f548bddf7733bdc216456c2fdb101d020e1ab4b88d232d5e2f6d1',
  ],
  [
    'nvidia-curand',
    '10.4.0.35',
    '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc',
    '133df5a7509c3e292aaa2b477afd0194f06ce4ea24d714d616ff36439cee349a',
  ],
  [
    'nvidia-cusolver',
    '12.0.4.66',
    '0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112',
    '02c2457eaa9e39de20f880f4bd8820e6a1cfb9f9a34f820eb12a155aa5bc92d2',
  ],
  [
    'nvidia-cusparse',
    '12.6.3.3',
    '2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b',
    '80bcc4662f23f1054ee334a15c72b8940402975e0eab63178fc7e670aa59472c',
  ],
  [
    'nvidia-nvtx',
    '13.0.85',
    '4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4',
    'cb7780edb6b14107373c835bf8b72e7a178bac7367e23da7acb108f973f157a6',
  ],
  [
    'nvidia-nvjitlink',
    '13.5.37',
    '280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb',
    '893f6f9a55b2720ed94913b5ba3332e972da8c78dfa2863d0244403dbd528ffc',
  ],
]

/** NVIDIA wheels of the GPU variant on Linux, in the versions that the metadata of torch requires. */
export const cudaWheels = (arch: 'x64' | 'arm64'): readonly Wheel[] =>
  WHEELS.map(([name, version, x64, arm64]) => ({ name, version, bytes: 0, sha256: arch === 'x64' ? x64 : arm64 }))
