declare const handle: unique symbol
/** Opaque handles of C++ objects; only the addon can read their properties. */
export interface NativeTensor {
  readonly [handle]: 'tensor'
}
export interface NativeModel {
  readonly [handle]: 'model'
}
export interface NativeSamples {
  readonly [handle]: 'samples'
}
export interface NativeTrainer {
  readonly [handle]: 'trainer'
}
/** The processes of a data-parallel training. */
export interface NativeRanks {
  readonly [handle]: 'group of ranks'
}
export interface NativeStepper {
  readonly [handle]: 'stepper'
}
/** Steps several steppers of one model in one pass. */
export interface NativeJointSteps {
  readonly [handle]: 'joint steps'
}
export interface NativeBank {
  readonly [handle]: 'bank'
}
export interface NativeScript {
  readonly [handle]: 'script'
}
export interface NativeT5 {
  readonly [handle]: 't5'
}
export interface NativeOptimizer {
  readonly [handle]: 'optimizer'
}
export interface NativeGenerator {
  readonly [handle]: 'generator'
}
export interface NativeStopFlag {
  readonly [handle]: 'stop flag'
}

/** The optimizer's own tensors, in the order of the model's parameters. */
export interface TrainerState {
  steps: number
  /** Where ranks share the state, the tensors are flat, of the elements from `part[0]` to `part[1]` of the weight. */
  slots: { name: string; m: NativeTensor; v: NativeTensor; average?: NativeTensor; part?: [number, number] }[]
}
