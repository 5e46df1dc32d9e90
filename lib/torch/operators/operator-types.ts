// Made by scripts/operators.mjs from the schemas of libtorch; change that and run: node scripts/operators.mjs

import type { DType } from '../../native.js'
import type { Generator } from '../generator.js'

/** Operators as methods of a tensor; `T` is the class Tensor. */
export interface TensorMethods<T> {
  abs(): T
  abs_(): this
  neg(): T
  neg_(): this
  exp(): T
  exp_(): this
  exp2(): T
  exp2_(): this
  expm1(): T
  expm1_(): this
  log(): T
  log_(): this
  log2(): T
  log2_(): this
  log10(): T
  log10_(): this
  log1p(): T
  log1p_(): this
  sqrt(): T
  sqrt_(): this
  rsqrt(): T
  rsqrt_(): this
  square(): T
  square_(): this
  sin(): T
  sin_(): this
  cos(): T
  cos_(): this
  tan(): T
  tan_(): this
  asin(): T
  asin_(): this
  acos(): T
  acos_(): this
  atan(): T
  atan_(): this
  sinh(): T
  sinh_(): this
  cosh(): T
  cosh_(): this
  tanh(): T
  tanh_(): this
  asinh(): T
  asinh_(): this
  acosh(): T
  acosh_(): this
  atanh(): T
  atanh_(): this
  atan2(other: T): T
  atan2_(other: T): this
  sigmoid(): T
  sigmoid_(): this
  logit(eps?: number | null): T
  logit(options?: { eps?: number | null }): T
  logit_(eps?: number | null): this
  logit_(options?: { eps?: number | null }): this
  erf(): T
  erf_(): this
  erfc(): T
  erfc_(): this
  erfinv(): T
  erfinv_(): this
  lgamma(): T
  lgamma_(): this
  digamma(): T
  digamma_(): this
  i0(): T
  i0_(): this
  sinc(): T
  sinc_(): this
  ceil(): T
  ceil_(): this
  floor(): T
  floor_(): this
  round(): T
  round(options: { decimals: number }): T
  round_(): this
  round_(options: { decimals: number }): this
  trunc(): T
  trunc_(): this
  frac(): T
  frac_(): this
  sign(): T
  sign_(): this
  sgn(): T
  sgn_(): this
  reciprocal(): T
  reciprocal_(): this
  positive(): T
  add(other: number | bigint | boolean, alpha?: number | bigint | boolean): T
  add(other: number | bigint | boolean, options?: { alpha?: number | bigint | boolean }): T
  add(other: T, options?: { alpha?: number | bigint | boolean }): T
  add_(other: number | bigint | boolean, alpha?: number | bigint | boolean): this
  add_(other: number | bigint | boolean, options?: { alpha?: number | bigint | boolean }): this
  add_(other: T, options?: { alpha?: number | bigint | boolean }): this
  sub(other: number | bigint | boolean, alpha?: number | bigint | boolean): T
  sub(other: number | bigint | boolean, options?: { alpha?: number | bigint | boolean }): T
  sub(other: T, options?: { alpha?: number | bigint | boolean }): T
  sub_(other: number | bigint | boolean, alpha?: number | bigint | boolean): this
  sub_(other: number | bigint | boolean, options?: { alpha?: number | bigint | boolean }): this
  sub_(other: T, options?: { alpha?: number | bigint | boolean }): this
  mul(other: number | bigint | boolean): T
  mul(other: T): T
  mul_(other: number | bigint | boolean): this
  mul_(other: T): this
  div(other: number | bigint | boolean): T
  div(other: T): T
  div(other: number | bigint | boolean, options: { roundingMode: string | null }): T
  div(other: T, options: { roundingMode: string | null }): T
  div_(other: number | bigint | boolean): this
  div_(other: T): this
  div_(other: number | bigint | boolean, options: { roundingMode: string | null }): this
  div_(other: T, options: { roundingMode: string | null }): this
  floorDivide(other: T): T
  floorDivide(other: number | bigint | boolean): T
  floorDivide_(other: number | bigint | boolean): this
  floorDivide_(other: T): this
  remainder(other: number | bigint | boolean): T
  remainder(other: T): T
  remainder_(other: number | bigint | boolean): this
  remainder_(other: T): this
  fmod(other: number | bigint | boolean): T
  fmod(other: T): T
  fmod_(other: number | bigint | boolean): this
  fmod_(other: T): this
  pow(exponent: number | bigint | boolean): T
  pow(exponent: T): T
  pow_(exponent: number | bigint | boolean): this
  pow_(exponent: T): this
  floatPower(exponent: number | bigint | boolean): T
  floatPower(exponent: T): T
  floatPower_(exponent: number | bigint | boolean): this
  floatPower_(exponent: T): this
  clamp(min?: number | bigint | boolean | null, max?: number | bigint | boolean | null): T
  clamp(options?: { min?: number | bigint | boolean | null; max?: number | bigint | boolean | null }): T
  clamp(min?: T | null, max?: T | null): T
  clamp(options?: { min?: T | null; max?: T | null }): T
  clamp_(min?: number | bigint | boolean | null, max?: number | bigint | boolean | null): this
  clamp_(options?: { min?: number | bigint | boolean | null; max?: number | bigint | boolean | null }): this
  clamp_(min?: T | null, max?: T | null): this
  clamp_(options?: { min?: T | null; max?: T | null }): this
  clampMin(min: number | bigint | boolean): T
  clampMin(min: T): T
  clampMin_(min: number | bigint | boolean): this
  clampMin_(min: T): this
  clampMax(max: number | bigint | boolean): T
  clampMax(max: T): T
  clampMax_(max: number | bigint | boolean): this
  clampMax_(max: T): this
  maximum(other: T): T
  minimum(other: T): T
  fmax(other: T): T
  fmin(other: T): T
  lerp(end: T, weight: number | bigint | boolean): T
  lerp(end: T, weight: T): T
  lerp_(end: T, weight: number | bigint | boolean): this
  lerp_(end: T, weight: T): this
  addcmul(tensor1: T, tensor2: T, options?: { value?: number | bigint | boolean }): T
  addcmul_(tensor1: T, tensor2: T, options?: { value?: number | bigint | boolean }): this
  addcdiv(tensor1: T, tensor2: T, options?: { value?: number | bigint | boolean }): T
  addcdiv_(tensor1: T, tensor2: T, options?: { value?: number | bigint | boolean }): this
  hypot(other: T): T
  hypot_(other: T): this
  nanToNum(nan?: number | null, posinf?: number | null, neginf?: number | null): T
  nanToNum(options?: { nan?: number | null; posinf?: number | null; neginf?: number | null }): T
  nanToNum_(nan?: number | null, posinf?: number | null, neginf?: number | null): this
  nanToNum_(options?: { nan?: number | null; posinf?: number | null; neginf?: number | null }): this
  logaddexp(other: T): T
  logaddexp2(other: T): T
  xlogy(other: number | bigint | boolean): T
  xlogy(other: T): T
  xlogy_(other: number | bigint | boolean): this
  xlogy_(other: T): this
  copysign(other: number | bigint | boolean): T
  copysign(other: T): T
  copysign_(other: number | bigint | boolean): this
  copysign_(other: T): this
  heaviside(values: T): T
  heaviside_(values: T): this
  ldexp(other: T): T
  ldexp_(other: T): this
  deg2rad(): T
  deg2rad_(): this
  rad2deg(): T
  rad2deg_(): this
  gcd(other: T): T
  gcd_(other: T): this
  lcm(other: T): T
  lcm_(other: T): this
  real(): T
  imag(): T
  conj(): T
  angle(): T
  eq(other: number | bigint | boolean): T
  eq(other: T): T
  eq_(other: number | bigint | boolean): this
  eq_(other: T): this
  ne(other: number | bigint | boolean): T
  ne(other: T): T
  ne_(other: number | bigint | boolean): this
  ne_(other: T): this
  lt(other: number | bigint | boolean): T
  lt(other: T): T
  lt_(other: number | bigint | boolean): this
  lt_(other: T): this
  le(other: number | bigint | boolean): T
  le(other: T): T
  le_(other: number | bigint | boolean): this
  le_(other: T): this
  gt(other: number | bigint | boolean): T
  gt(other: T): T
  gt_(other: number | bigint | boolean): this
  gt_(other: T): this
  ge(other: number | bigint | boolean): T
  ge(other: T): T
  ge_(other: number | bigint | boolean): this
  ge_(other: T): this
  isclose(other: T, rtol?: number, atol?: number, equalNan?: boolean): T
  isclose(other: T, options?: { rtol?: number; atol?: number; equalNan?: boolean }): T
  isnan(): T
  isinf(): T
  isfinite(): T
  isposinf(): T
  isneginf(): T
  logicalAnd(other: T): T
  logicalAnd_(other: T): this
  logicalOr(other: T): T
  logicalOr_(other: T): this
  logicalNot(): T
  logicalNot_(): this
  logicalXor(other: T): T
  logicalXor_(other: T): this
  bitwiseAnd(other: number | bigint | boolean): T
  bitwiseAnd(other: T): T
  bitwiseAnd_(other: number | bigint | boolean): this
  bitwiseAnd_(other: T): this
  bitwiseOr(other: number | bigint | boolean): T
  bitwiseOr(other: T): T
  bitwiseOr_(other: number | bigint | boolean): this
  bitwiseOr_(other: T): this
  bitwiseNot(): T
  bitwiseNot_(): this
  bitwiseXor(other: number | bigint | boolean): T
  bitwiseXor(other: T): T
  bitwiseXor_(other: number | bigint | boolean): this
  bitwiseXor_(other: T): this
  bitwiseLeftShift(other: T): T
  bitwiseLeftShift(other: number | bigint | boolean): T
  bitwiseLeftShift_(other: T): this
  bitwiseLeftShift_(other: number | bigint | boolean): this
  bitwiseRightShift(other: T): T
  bitwiseRightShift(other: number | bigint | boolean): T
  bitwiseRightShift_(other: T): this
  bitwiseRightShift_(other: number | bigint | boolean): this
  maskedFill(mask: T, value: number | bigint | boolean): T
  maskedFill(mask: T, value: T): T
  maskedFill_(mask: T, value: number | bigint | boolean): this
  maskedFill_(mask: T, value: T): this
  equal(other: T): boolean
  allclose(other: T, rtol?: number, atol?: number, equalNan?: boolean): boolean
  allclose(other: T, options?: { rtol?: number; atol?: number; equalNan?: boolean }): boolean
  isin(testElement: number | bigint | boolean, options?: { assumeUnique?: boolean; invert?: boolean }): T
  isin(testElements: T, options?: { assumeUnique?: boolean; invert?: boolean }): T
  sum(options?: { dtype?: DType | null }): T
  sum(dim: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  sum(dim: number | readonly number[] | null, options?: { keepdim?: boolean; dtype?: DType | null }): T
  mean(options?: { dtype?: DType | null }): T
  mean(dim: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  mean(dim: number | readonly number[] | null, options?: { keepdim?: boolean; dtype?: DType | null }): T
  prod(options?: { dtype?: DType | null }): T
  prod(dim: number, keepdim?: boolean, options?: { dtype?: DType | null }): T
  prod(dim: number, options?: { keepdim?: boolean; dtype?: DType | null }): T
  var(unbiased?: boolean): T
  var(options?: { unbiased?: boolean }): T
  var(dim?: number | readonly number[] | null, options?: { correction?: number | bigint | boolean | null; keepdim?: boolean }): T
  var(options?: { dim?: number | readonly number[] | null; correction?: number | bigint | boolean | null; keepdim?: boolean }): T
  var(dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean): T
  var(dim: number | readonly number[] | null, options?: { unbiased?: boolean; keepdim?: boolean }): T
  std(unbiased?: boolean): T
  std(options?: { unbiased?: boolean }): T
  std(dim?: number | readonly number[] | null, options?: { correction?: number | bigint | boolean | null; keepdim?: boolean }): T
  std(options?: { dim?: number | readonly number[] | null; correction?: number | bigint | boolean | null; keepdim?: boolean }): T
  std(dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean): T
  std(dim: number | readonly number[] | null, options?: { unbiased?: boolean; keepdim?: boolean }): T
  varMean(unbiased?: boolean): [part1: T, part2: T]
  varMean(options?: { unbiased?: boolean }): [part1: T, part2: T]
  varMean(
    dim?: number | readonly number[] | null,
    options?: { correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): [part1: T, part2: T]
  varMean(options?: {
    dim?: number | readonly number[] | null
    correction?: number | bigint | boolean | null
    keepdim?: boolean
  }): [part1: T, part2: T]
  varMean(dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean): [part1: T, part2: T]
  varMean(dim: number | readonly number[] | null, options?: { unbiased?: boolean; keepdim?: boolean }): [part1: T, part2: T]
  stdMean(unbiased?: boolean): [part1: T, part2: T]
  stdMean(options?: { unbiased?: boolean }): [part1: T, part2: T]
  stdMean(
    dim?: number | readonly number[] | null,
    options?: { correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): [part1: T, part2: T]
  stdMean(options?: {
    dim?: number | readonly number[] | null
    correction?: number | bigint | boolean | null
    keepdim?: boolean
  }): [part1: T, part2: T]
  stdMean(dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean): [part1: T, part2: T]
  stdMean(dim: number | readonly number[] | null, options?: { unbiased?: boolean; keepdim?: boolean }): [part1: T, part2: T]
  amax(dim?: number | readonly number[], keepdim?: boolean): T
  amax(options?: { dim?: number | readonly number[]; keepdim?: boolean }): T
  amin(dim?: number | readonly number[], keepdim?: boolean): T
  amin(options?: { dim?: number | readonly number[]; keepdim?: boolean }): T
  aminmax(options?: { dim?: number | null; keepdim?: boolean }): [min: T, max: T]
  max(): T
  max(other: T): T
  max(dim: number, keepdim?: boolean): [values: T, indices: T]
  max(dim: number, options?: { keepdim?: boolean }): [values: T, indices: T]
  min(): T
  min(other: T): T
  min(dim: number, keepdim?: boolean): [values: T, indices: T]
  min(dim: number, options?: { keepdim?: boolean }): [values: T, indices: T]
  argmax(dim?: number | null, keepdim?: boolean): T
  argmax(options?: { dim?: number | null; keepdim?: boolean }): T
  argmin(dim?: number | null, keepdim?: boolean): T
  argmin(options?: { dim?: number | null; keepdim?: boolean }): T
  all(): T
  all(dim: number, keepdim?: boolean): T
  all(dim: number, options?: { keepdim?: boolean }): T
  all(dim?: number | readonly number[] | null, keepdim?: boolean): T
  all(options?: { dim?: number | readonly number[] | null; keepdim?: boolean }): T
  any(): T
  any(dim: number, keepdim?: boolean): T
  any(dim: number, options?: { keepdim?: boolean }): T
  any(dim?: number | readonly number[] | null, keepdim?: boolean): T
  any(options?: { dim?: number | readonly number[] | null; keepdim?: boolean }): T
  nansum(dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  nansum(options?: { dim?: number | readonly number[] | null; keepdim?: boolean; dtype?: DType | null }): T
  nanmean(dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  nanmean(options?: { dim?: number | readonly number[] | null; keepdim?: boolean; dtype?: DType | null }): T
  median(): T
  median(dim: number, keepdim?: boolean): [values: T, indices: T]
  median(dim: number, options?: { keepdim?: boolean }): [values: T, indices: T]
  nanmedian(): T
  nanmedian(dim: number, keepdim?: boolean): [values: T, indices: T]
  nanmedian(dim: number, options?: { keepdim?: boolean }): [values: T, indices: T]
  mode(dim?: number, keepdim?: boolean): [values: T, indices: T]
  mode(options?: { dim?: number; keepdim?: boolean }): [values: T, indices: T]
  logsumexp(dim: number | readonly number[], keepdim?: boolean): T
  logsumexp(dim: number | readonly number[], options?: { keepdim?: boolean }): T
  norm(p?: number | bigint | boolean): T
  norm(options?: { p?: number | bigint | boolean }): T
  norm(p: number | bigint | boolean | null, options: { dtype: DType }): T
  norm(p: number | bigint | boolean | null, dim: number | readonly number[], keepdim?: boolean): T
  norm(p: number | bigint | boolean | null, dim: number | readonly number[], options?: { keepdim?: boolean }): T
  norm(p: number | bigint | boolean | null, dim: number | readonly number[], keepdim: boolean, options: { dtype: DType }): T
  cumsum(dim: number, options?: { dtype?: DType | null }): T
  cumsum_(dim: number, options?: { dtype?: DType | null }): this
  cumprod(dim: number, options?: { dtype?: DType | null }): T
  cumprod_(dim: number, options?: { dtype?: DType | null }): this
  cummax(dim: number): [values: T, indices: T]
  cummin(dim: number): [values: T, indices: T]
  logcumsumexp(dim: number): T
  countNonzero(dim?: number | null): T
  countNonzero(options?: { dim?: number | null }): T
  countNonzero(dim: number | readonly number[]): T
  quantile(q: T, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string }): T
  quantile(q: T, options?: { dim?: number | null; keepdim?: boolean; interpolation?: string }): T
  quantile(q: number, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string }): T
  quantile(q: number, options?: { dim?: number | null; keepdim?: boolean; interpolation?: string }): T
  nanquantile(q: T, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string }): T
  nanquantile(q: T, options?: { dim?: number | null; keepdim?: boolean; interpolation?: string }): T
  nanquantile(q: number, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string }): T
  nanquantile(q: number, options?: { dim?: number | null; keepdim?: boolean; interpolation?: string }): T
  trace(): T
  dist(other: T, p?: number | bigint | boolean): T
  dist(other: T, options?: { p?: number | bigint | boolean }): T
  diff(n?: number, dim?: number, prepend?: T | null, append?: T | null): T
  diff(options?: { n?: number; dim?: number; prepend?: T | null; append?: T | null }): T
  cov(options?: { correction?: number; fweights?: T | null; aweights?: T | null }): T
  corrcoef(): T
  sort(dim?: number, descending?: boolean): [values: T, indices: T]
  sort(options?: { dim?: number; descending?: boolean }): [values: T, indices: T]
  sort(options: { stable: boolean | null; dim?: number; descending?: boolean }): [values: T, indices: T]
  argsort(dim?: number, descending?: boolean): T
  argsort(options?: { dim?: number; descending?: boolean }): T
  argsort(options: { stable: boolean; dim?: number; descending?: boolean }): T
  msort(): T
  topk(k: number, dim?: number, largest?: boolean, sorted?: boolean): [values: T, indices: T]
  topk(k: number, options?: { dim?: number; largest?: boolean; sorted?: boolean }): [values: T, indices: T]
  kthvalue(k: number, dim?: number, keepdim?: boolean): [values: T, indices: T]
  kthvalue(k: number, options?: { dim?: number; keepdim?: boolean }): [values: T, indices: T]
  histc(bins?: number, min?: number | bigint | boolean, max?: number | bigint | boolean): T
  histc(options?: { bins?: number; min?: number | bigint | boolean; max?: number | bigint | boolean }): T
  bincount(weights?: T | null, minlength?: number): T
  bincount(options?: { weights?: T | null; minlength?: number }): T
  bucketize(boundaries: T, options?: { outInt32?: boolean; right?: boolean }): T
  searchsorted(
    self: number | bigint | boolean,
    options?: { outInt32?: boolean; right?: boolean; side?: string | null; sorter?: T | null },
  ): T
  searchsorted(self: T, options?: { outInt32?: boolean; right?: boolean; side?: string | null; sorter?: T | null }): T
  uniqueConsecutive(returnInverse?: boolean, returnCounts?: boolean, dim?: number | null): [part1: T, part2: T, part3: T]
  uniqueConsecutive(options?: {
    returnInverse?: boolean
    returnCounts?: boolean
    dim?: number | null
  }): [part1: T, part2: T, part3: T]
  uniqueDim(dim: number, sorted?: boolean, returnInverse?: boolean, returnCounts?: boolean): [part1: T, part2: T, part3: T]
  uniqueDim(
    dim: number,
    options?: { sorted?: boolean; returnInverse?: boolean; returnCounts?: boolean },
  ): [part1: T, part2: T, part3: T]
  reshape(shape: number | readonly number[]): T
  reshapeAs(other: T): T
  view(size: number | readonly number[]): T
  view(dtype: DType): T
  viewAs(other: T): T
  flatten(startDim?: number, endDim?: number): T
  flatten(options?: { startDim?: number; endDim?: number }): T
  unflatten(dim: number, sizes: number | readonly number[]): T
  ravel(): T
  squeeze(): T
  squeeze(dim: number): T
  squeeze(dim: number | readonly number[]): T
  squeeze_(): this
  squeeze_(dim: number): this
  squeeze_(dim: number | readonly number[]): this
  unsqueeze(dim: number): T
  unsqueeze_(dim: number): this
  transpose(dim0: number, dim1: number): T
  transpose_(dim0: number, dim1: number): this
  t(): T
  t_(): this
  permute(dims: number | readonly number[]): T
  movedim(source: number, destination: number): T
  movedim(source: number | readonly number[], destination: number | readonly number[]): T
  swapaxes(axis0: number, axis1: number): T
  swapaxes_(axis0: number, axis1: number): this
  expand(size: number | readonly number[], options?: { implicit?: boolean }): T
  expandAs(other: T): T
  broadcastTo(size: number | readonly number[]): T
  repeat(repeats: number | readonly number[]): T
  tile(dims: number | readonly number[]): T
  repeatInterleave(options?: { outputSize?: number | null }): T
  repeatInterleave(repeats: T, dim?: number | null, options?: { outputSize?: number | null }): T
  repeatInterleave(repeats: T, options?: { dim?: number | null; outputSize?: number | null }): T
  repeatInterleave(repeats: number, dim?: number | null, options?: { outputSize?: number | null }): T
  repeatInterleave(repeats: number, options?: { dim?: number | null; outputSize?: number | null }): T
  flip(dims: number | readonly number[]): T
  fliplr(): T
  flipud(): T
  roll(shifts: number | readonly number[], dims?: number | readonly number[]): T
  roll(shifts: number | readonly number[], options?: { dims?: number | readonly number[] }): T
  rot90(k?: number, dims?: number | readonly number[]): T
  rot90(options?: { k?: number; dims?: number | readonly number[] }): T
  narrow(dim: number, start: number, length: number): T
  narrow(dim: number, start: T, length: number): T
  select(dim: number, index: number): T
  slice(dim?: number, start?: number | null, end?: number | null, step?: number): T
  slice(options?: { dim?: number; start?: number | null; end?: number | null; step?: number }): T
  unfold(dimension: number, size: number, step: number): T
  split(splitSize: number, dim?: number): T[]
  split(splitSize: number, options?: { dim?: number }): T[]
  split(splitSize: number | readonly number[], dim?: number): T[]
  split(splitSize: number | readonly number[], options?: { dim?: number }): T[]
  tensorSplit(sections: number, dim?: number): T[]
  tensorSplit(sections: number, options?: { dim?: number }): T[]
  tensorSplit(tensorIndicesOrSections: T, dim?: number): T[]
  tensorSplit(tensorIndicesOrSections: T, options?: { dim?: number }): T[]
  tensorSplit(indices: number | readonly number[], dim?: number): T[]
  tensorSplit(indices: number | readonly number[], options?: { dim?: number }): T[]
  chunk(chunks: number, dim?: number): T[]
  chunk(chunks: number, options?: { dim?: number }): T[]
  unbind(dim?: number): T[]
  unbind(options?: { dim?: number }): T[]
  atleast1d(): T
  atleast2d(): T
  atleast3d(): T
  tril(diagonal?: number): T
  tril(options?: { diagonal?: number }): T
  tril_(diagonal?: number): this
  tril_(options?: { diagonal?: number }): this
  triu(diagonal?: number): T
  triu(options?: { diagonal?: number }): T
  triu_(diagonal?: number): this
  triu_(options?: { diagonal?: number }): this
  diag(diagonal?: number): T
  diag(options?: { diagonal?: number }): T
  diagonal(offset?: number, dim1?: number, dim2?: number): T
  diagonal(options?: { offset?: number; dim1?: number; dim2?: number }): T
  diagEmbed(offset?: number, dim1?: number, dim2?: number): T
  diagEmbed(options?: { offset?: number; dim1?: number; dim2?: number }): T
  diagflat(offset?: number): T
  diagflat(options?: { offset?: number }): T
  combinations(r?: number, withReplacement?: boolean): T
  combinations(options?: { r?: number; withReplacement?: boolean }): T
  contiguous(): T
  clone(): T
  detach(): T
  detach_(): this
  pad(pad: number | readonly number[], mode?: string, value?: number | null): T
  pad(pad: number | readonly number[], options?: { mode?: string; value?: number | null }): T
  constantPadNd(pad: number | readonly number[], value?: number | bigint | boolean): T
  constantPadNd(pad: number | readonly number[], options?: { value?: number | bigint | boolean }): T
  adjoint(): T
  typeAs(other: T): T
  indexSelect(dim: number, index: T): T
  gather(dim: number, index: T, options?: { sparseGrad?: boolean }): T
  scatter(dim: number, index: T, src: T): T
  scatter(dim: number, index: T, value: number | bigint | boolean): T
  scatter(dim: number, index: T, src: T, options: { reduce: string }): T
  scatter(dim: number, index: T, value: number | bigint | boolean, options: { reduce: string }): T
  scatter_(dim: number, index: T, src: T): this
  scatter_(dim: number, index: T, value: number | bigint | boolean): this
  scatter_(dim: number, index: T, src: T, options: { reduce: string }): this
  scatter_(dim: number, index: T, value: number | bigint | boolean, options: { reduce: string }): this
  scatterAdd(dim: number, index: T, src: T): T
  scatterAdd_(dim: number, index: T, src: T): this
  scatterReduce(dim: number, index: T, src: T, reduce: string, options?: { includeSelf?: boolean }): T
  scatterReduce_(dim: number, index: T, src: T, reduce: string, options?: { includeSelf?: boolean }): this
  maskedSelect(mask: T): T
  maskedScatter(mask: T, source: T): T
  maskedScatter_(mask: T, source: T): this
  take(index: T): T
  takeAlongDim(indices: T, dim?: number | null): T
  takeAlongDim(indices: T, options?: { dim?: number | null }): T
  nonzero(): T
  argwhere(): T
  indexPut(indices: readonly (T | null)[], values: T, accumulate?: boolean): T
  indexPut(indices: readonly (T | null)[], values: T, options?: { accumulate?: boolean }): T
  indexPut_(indices: readonly (T | null)[], values: T, accumulate?: boolean): this
  indexPut_(indices: readonly (T | null)[], values: T, options?: { accumulate?: boolean }): this
  indexAdd(dim: number, index: T, source: T, options?: { alpha?: number | bigint | boolean }): T
  indexAdd_(dim: number, index: T, source: T, options?: { alpha?: number | bigint | boolean }): this
  indexCopy(dim: number, index: T, source: T): T
  indexCopy_(dim: number, index: T, source: T): this
  indexFill(dim: number, index: T, value: number | bigint | boolean): T
  indexFill(dim: number, index: T, value: T): T
  indexFill_(dim: number, index: T, value: number | bigint | boolean): this
  indexFill_(dim: number, index: T, value: T): this
  oneHot(numClasses?: number): T
  oneHot(options?: { numClasses?: number }): T
  embedding(indices: T, paddingIdx?: number, scaleGradByFreq?: boolean, sparse?: boolean): T
  embedding(indices: T, options?: { paddingIdx?: number; scaleGradByFreq?: boolean; sparse?: boolean }): T
  matmul(other: T): T
  mm(mat2: T): T
  mm(mat2: T, outDtype: DType): T
  bmm(mat2: T): T
  bmm(mat2: T, outDtype: DType): T
  mv(vec: T): T
  dot(tensor: T): T
  vdot(other: T): T
  inner(other: T): T
  outer(vec2: T): T
  addmm(mat1: T, mat2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addmm(mat1: T, mat2: T, outDtype: DType, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addmm_(mat1: T, mat2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): this
  addmv(mat: T, vec: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addmv_(mat: T, vec: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): this
  addr(vec1: T, vec2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addr_(vec1: T, vec2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): this
  baddbmm(batch1: T, batch2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  baddbmm(
    batch1: T,
    batch2: T,
    outDtype: DType,
    options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean },
  ): T
  baddbmm_(batch1: T, batch2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): this
  kron(other: T): T
  linalgCross(other: T, options?: { dim?: number }): T
  tensordot(other: T, dimsSelf: number | readonly number[], dimsOther: number | readonly number[]): T
  linear(weight: T, bias?: T | null): T
  linear(weight: T, options?: { bias?: T | null }): T
  bilinear(input2: T, weight: T, bias?: T | null): T
  bilinear(input2: T, weight: T, options?: { bias?: T | null }): T
  cdist(x2: T, p?: number, computeMode?: number | null): T
  cdist(x2: T, options?: { p?: number; computeMode?: number | null }): T
  linalgNorm(
    ord?: number | bigint | boolean | null,
    dim?: number | readonly number[] | null,
    keepdim?: boolean,
    options?: { dtype?: DType | null },
  ): T
  linalgNorm(options?: {
    ord?: number | bigint | boolean | null
    dim?: number | readonly number[] | null
    keepdim?: boolean
    dtype?: DType | null
  }): T
  linalgNorm(ord: string, dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  linalgNorm(ord: string, options?: { dim?: number | readonly number[] | null; keepdim?: boolean; dtype?: DType | null }): T
  linalgVectorNorm(
    ord?: number | bigint | boolean,
    dim?: number | readonly number[] | null,
    keepdim?: boolean,
    options?: { dtype?: DType | null },
  ): T
  linalgVectorNorm(options?: {
    ord?: number | bigint | boolean
    dim?: number | readonly number[] | null
    keepdim?: boolean
    dtype?: DType | null
  }): T
  linalgMatrixNorm(
    ord: number | bigint | boolean,
    dim?: number | readonly number[],
    keepdim?: boolean,
    options?: { dtype?: DType | null },
  ): T
  linalgMatrixNorm(
    ord: number | bigint | boolean,
    options?: { dim?: number | readonly number[]; keepdim?: boolean; dtype?: DType | null },
  ): T
  linalgMatrixNorm(ord?: string, dim?: number | readonly number[], keepdim?: boolean, options?: { dtype?: DType | null }): T
  linalgMatrixNorm(options?: { ord?: string; dim?: number | readonly number[]; keepdim?: boolean; dtype?: DType | null }): T
  linalgInv(): T
  linalgPinv(rcond: number, hermitian?: boolean): T
  linalgPinv(rcond: number, options?: { hermitian?: boolean }): T
  linalgPinv(rcond: T, hermitian?: boolean): T
  linalgPinv(rcond: T, options?: { hermitian?: boolean }): T
  linalgPinv(options?: { atol?: number | null; rtol?: number | null; hermitian?: boolean }): T
  linalgPinv(options?: { atol?: T | null; rtol?: T | null; hermitian?: boolean }): T
  linalgDet(): T
  linalgSlogdet(): [sign: T, logabsdet: T]
  linalgSolve(B: T, options?: { left?: boolean }): T
  linalgSolveTriangular(B: T, options: { upper: boolean; left?: boolean; unitriangular?: boolean }): T
  linalgLstsq(
    b: T,
    rcond?: number | null,
    options?: { driver?: string | null },
  ): [solution: T, residuals: T, rank: T, singularValues: T]
  linalgLstsq(
    b: T,
    options?: { rcond?: number | null; driver?: string | null },
  ): [solution: T, residuals: T, rank: T, singularValues: T]
  linalgEigh(UPLO?: string): [eigenvalues: T, eigenvectors: T]
  linalgEigh(options?: { UPLO?: string }): [eigenvalues: T, eigenvectors: T]
  linalgEigvalsh(UPLO?: string): T
  linalgEigvalsh(options?: { UPLO?: string }): T
  linalgEig(): [eigenvalues: T, eigenvectors: T]
  linalgEigvals(): T
  linalgSvd(fullMatrices?: boolean, options?: { driver?: string | null }): [U: T, S: T, Vh: T]
  linalgSvd(options?: { fullMatrices?: boolean; driver?: string | null }): [U: T, S: T, Vh: T]
  linalgSvdvals(options?: { driver?: string | null }): T
  linalgQr(mode?: string): [Q: T, R: T]
  linalgQr(options?: { mode?: string }): [Q: T, R: T]
  linalgCholesky(options?: { upper?: boolean }): T
  linalgMatrixPower(n: number): T
  linalgMatrixExp(): T
  linalgMatrixRank(tol: number, hermitian?: boolean): T
  linalgMatrixRank(tol: number, options?: { hermitian?: boolean }): T
  linalgMatrixRank(tol: T, hermitian?: boolean): T
  linalgMatrixRank(tol: T, options?: { hermitian?: boolean }): T
  linalgMatrixRank(options?: { atol?: number | null; rtol?: number | null; hermitian?: boolean }): T
  linalgMatrixRank(options?: { atol?: T | null; rtol?: T | null; hermitian?: boolean }): T
  linalgCond(p?: number | bigint | boolean | null): T
  linalgCond(options?: { p?: number | bigint | boolean | null }): T
  linalgCond(p: string): T
  choleskySolve(input2: T, upper?: boolean): T
  choleskySolve(input2: T, options?: { upper?: boolean }): T
  choleskyInverse(upper?: boolean): T
  choleskyInverse(options?: { upper?: boolean }): T
  relu(): T
  relu_(): this
  relu6(): T
  relu6_(): this
  leakyRelu(negativeSlope?: number | bigint | boolean): T
  leakyRelu(options?: { negativeSlope?: number | bigint | boolean }): T
  leakyRelu_(negativeSlope?: number | bigint | boolean): this
  leakyRelu_(options?: { negativeSlope?: number | bigint | boolean }): this
  elu(alpha?: number | bigint | boolean, scale?: number | bigint | boolean, inputScale?: number | bigint | boolean): T
  elu(options?: {
    alpha?: number | bigint | boolean
    scale?: number | bigint | boolean
    inputScale?: number | bigint | boolean
  }): T
  elu_(alpha?: number | bigint | boolean, scale?: number | bigint | boolean, inputScale?: number | bigint | boolean): this
  elu_(options?: {
    alpha?: number | bigint | boolean
    scale?: number | bigint | boolean
    inputScale?: number | bigint | boolean
  }): this
  selu(): T
  selu_(): this
  celu(alpha?: number | bigint | boolean): T
  celu(options?: { alpha?: number | bigint | boolean }): T
  celu_(alpha?: number | bigint | boolean): this
  celu_(options?: { alpha?: number | bigint | boolean }): this
  gelu(options?: { approximate?: string }): T
  gelu_(options?: { approximate?: string }): this
  silu(): T
  silu_(): this
  mish(): T
  mish_(): this
  softplus(beta?: number | bigint | boolean, threshold?: number | bigint | boolean): T
  softplus(options?: { beta?: number | bigint | boolean; threshold?: number | bigint | boolean }): T
  hardtanh(minVal?: number | bigint | boolean, maxVal?: number | bigint | boolean): T
  hardtanh(options?: { minVal?: number | bigint | boolean; maxVal?: number | bigint | boolean }): T
  hardtanh_(minVal?: number | bigint | boolean, maxVal?: number | bigint | boolean): this
  hardtanh_(options?: { minVal?: number | bigint | boolean; maxVal?: number | bigint | boolean }): this
  hardsigmoid(): T
  hardsigmoid_(): this
  hardswish(): T
  hardswish_(): this
  logSigmoid(): T
  glu(dim?: number): T
  glu(options?: { dim?: number }): T
  prelu(weight: T): T
  threshold(threshold: number | bigint | boolean, value: number | bigint | boolean): T
  threshold_(threshold: number | bigint | boolean, value: number | bigint | boolean): this
  softmax(dim: number, dtype?: DType | null): T
  softmax(dim: number, options?: { dtype?: DType | null }): T
  logSoftmax(dim: number, dtype?: DType | null): T
  logSoftmax(dim: number, options?: { dtype?: DType | null }): T
  dropout(p: number, train: boolean): T
  dropout_(p: number, train: boolean): this
  layerNorm(
    normalizedShape: number | readonly number[],
    weight?: T | null,
    bias?: T | null,
    eps?: number,
    cudnnEnable?: boolean,
  ): T
  layerNorm(
    normalizedShape: number | readonly number[],
    options?: { weight?: T | null; bias?: T | null; eps?: number; cudnnEnable?: boolean },
  ): T
  groupNorm(numGroups: number, weight?: T | null, bias?: T | null, eps?: number, cudnnEnabled?: boolean): T
  groupNorm(numGroups: number, options?: { weight?: T | null; bias?: T | null; eps?: number; cudnnEnabled?: boolean }): T
  batchNorm(
    weight: T | null,
    bias: T | null,
    runningMean: T | null,
    runningVar: T | null,
    training: boolean,
    momentum: number,
    eps: number,
    cudnnEnabled: boolean,
  ): T
  rmsNorm(normalizedShape: number | readonly number[], weight?: T | null, eps?: number | null): T
  rmsNorm(normalizedShape: number | readonly number[], options?: { weight?: T | null; eps?: number | null }): T
  conv1d(
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv1d(
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv1d(
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: string,
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv1d(
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: string
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv2d(
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv2d(
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv2d(
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: string,
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv2d(
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: string
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv3d(
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv3d(
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv3d(
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: string,
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv3d(
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: string
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  convTranspose1d(
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    outputPadding?: number | readonly number[],
    groups?: number,
    dilation?: number | readonly number[],
  ): T
  convTranspose1d(
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      outputPadding?: number | readonly number[]
      groups?: number
      dilation?: number | readonly number[]
    },
  ): T
  convTranspose2d(
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    outputPadding?: number | readonly number[],
    groups?: number,
    dilation?: number | readonly number[],
  ): T
  convTranspose2d(
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      outputPadding?: number | readonly number[]
      groups?: number
      dilation?: number | readonly number[]
    },
  ): T
  maxPool1d(
    kernelSize: number | readonly number[],
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    ceilMode?: boolean,
  ): T
  maxPool1d(
    kernelSize: number | readonly number[],
    options?: {
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      ceilMode?: boolean
    },
  ): T
  maxPool2d(
    kernelSize: number | readonly number[],
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    ceilMode?: boolean,
  ): T
  maxPool2d(
    kernelSize: number | readonly number[],
    options?: {
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      ceilMode?: boolean
    },
  ): T
  avgPool1d(
    kernelSize: number | readonly number[],
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    ceilMode?: boolean,
    countIncludePad?: boolean,
  ): T
  avgPool1d(
    kernelSize: number | readonly number[],
    options?: {
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      ceilMode?: boolean
      countIncludePad?: boolean
    },
  ): T
  avgPool2d(
    kernelSize: number | readonly number[],
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    ceilMode?: boolean,
    countIncludePad?: boolean,
    divisorOverride?: number | null,
  ): T
  avgPool2d(
    kernelSize: number | readonly number[],
    options?: {
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      ceilMode?: boolean
      countIncludePad?: boolean
      divisorOverride?: number | null
    },
  ): T
  adaptiveAvgPool1d(outputSize: number | readonly number[]): T
  adaptiveAvgPool2d(outputSize: number | readonly number[]): T
  pixelShuffle(upscaleFactor: number): T
  scaledDotProductAttention(
    key: T,
    value: T,
    attnMask?: T | null,
    dropoutP?: number,
    isCausal?: boolean,
    options?: { scale?: number | null; enableGqa?: boolean },
  ): T
  scaledDotProductAttention(
    key: T,
    value: T,
    options?: { attnMask?: T | null; dropoutP?: number; isCausal?: boolean; scale?: number | null; enableGqa?: boolean },
  ): T
  cosineSimilarity(x2: T, dim?: number, eps?: number): T
  cosineSimilarity(x2: T, options?: { dim?: number; eps?: number }): T
  pairwiseDistance(x2: T, p?: number, eps?: number, keepdim?: boolean): T
  pairwiseDistance(x2: T, options?: { p?: number; eps?: number; keepdim?: boolean }): T
  mseLoss(target: T, reduction?: 'none' | 'mean' | 'sum'): T
  mseLoss(target: T, options?: { reduction?: 'none' | 'mean' | 'sum' }): T
  l1Loss(target: T, reduction?: 'none' | 'mean' | 'sum'): T
  l1Loss(target: T, options?: { reduction?: 'none' | 'mean' | 'sum' }): T
  smoothL1Loss(target: T, reduction?: 'none' | 'mean' | 'sum', beta?: number): T
  smoothL1Loss(target: T, options?: { reduction?: 'none' | 'mean' | 'sum'; beta?: number }): T
  huberLoss(target: T, reduction?: 'none' | 'mean' | 'sum', delta?: number): T
  huberLoss(target: T, options?: { reduction?: 'none' | 'mean' | 'sum'; delta?: number }): T
  crossEntropyLoss(
    target: T,
    weight?: T | null,
    reduction?: 'none' | 'mean' | 'sum',
    ignoreIndex?: number,
    labelSmoothing?: number,
  ): T
  crossEntropyLoss(
    target: T,
    options?: { weight?: T | null; reduction?: 'none' | 'mean' | 'sum'; ignoreIndex?: number; labelSmoothing?: number },
  ): T
  nllLoss(target: T, weight?: T | null, reduction?: 'none' | 'mean' | 'sum', ignoreIndex?: number): T
  nllLoss(target: T, options?: { weight?: T | null; reduction?: 'none' | 'mean' | 'sum'; ignoreIndex?: number }): T
  binaryCrossEntropy(target: T, weight?: T | null, reduction?: 'none' | 'mean' | 'sum'): T
  binaryCrossEntropy(target: T, options?: { weight?: T | null; reduction?: 'none' | 'mean' | 'sum' }): T
  binaryCrossEntropyWithLogits(target: T, weight?: T | null, posWeight?: T | null, reduction?: 'none' | 'mean' | 'sum'): T
  binaryCrossEntropyWithLogits(
    target: T,
    options?: { weight?: T | null; posWeight?: T | null; reduction?: 'none' | 'mean' | 'sum' },
  ): T
  klDiv(target: T, reduction?: 'none' | 'mean' | 'sum', options?: { logTarget?: boolean }): T
  klDiv(target: T, options?: { reduction?: 'none' | 'mean' | 'sum'; logTarget?: boolean }): T
  cosineEmbeddingLoss(input2: T, target: T, margin?: number, reduction?: 'none' | 'mean' | 'sum'): T
  cosineEmbeddingLoss(input2: T, target: T, options?: { margin?: number; reduction?: 'none' | 'mean' | 'sum' }): T
  tripletMarginLoss(
    positive: T,
    negative: T,
    margin?: number,
    p?: number,
    eps?: number,
    swap?: boolean,
    reduction?: 'none' | 'mean' | 'sum',
  ): T
  tripletMarginLoss(
    positive: T,
    negative: T,
    options?: { margin?: number; p?: number; eps?: number; swap?: boolean; reduction?: 'none' | 'mean' | 'sum' },
  ): T
  marginRankingLoss(input2: T, target: T, margin?: number, reduction?: 'none' | 'mean' | 'sum'): T
  marginRankingLoss(input2: T, target: T, options?: { margin?: number; reduction?: 'none' | 'mean' | 'sum' }): T
  softMarginLoss(target: T, reduction?: 'none' | 'mean' | 'sum'): T
  softMarginLoss(target: T, options?: { reduction?: 'none' | 'mean' | 'sum' }): T
  poissonNllLoss(target: T, logInput: boolean, full: boolean, eps: number, reduction: 'none' | 'mean' | 'sum'): T
  fftFft(n?: number | null, dim?: number, norm?: string | null): T
  fftFft(options?: { n?: number | null; dim?: number; norm?: string | null }): T
  fftIfft(n?: number | null, dim?: number, norm?: string | null): T
  fftIfft(options?: { n?: number | null; dim?: number; norm?: string | null }): T
  fftRfft(n?: number | null, dim?: number, norm?: string | null): T
  fftRfft(options?: { n?: number | null; dim?: number; norm?: string | null }): T
  fftIrfft(n?: number | null, dim?: number, norm?: string | null): T
  fftIrfft(options?: { n?: number | null; dim?: number; norm?: string | null }): T
  fftFft2(s?: number | readonly number[] | null, dim?: number | readonly number[], norm?: string | null): T
  fftFft2(options?: { s?: number | readonly number[] | null; dim?: number | readonly number[]; norm?: string | null }): T
  fftIfft2(s?: number | readonly number[] | null, dim?: number | readonly number[], norm?: string | null): T
  fftIfft2(options?: { s?: number | readonly number[] | null; dim?: number | readonly number[]; norm?: string | null }): T
  fftRfft2(s?: number | readonly number[] | null, dim?: number | readonly number[], norm?: string | null): T
  fftRfft2(options?: { s?: number | readonly number[] | null; dim?: number | readonly number[]; norm?: string | null }): T
  fftIrfft2(s?: number | readonly number[] | null, dim?: number | readonly number[], norm?: string | null): T
  fftIrfft2(options?: { s?: number | readonly number[] | null; dim?: number | readonly number[]; norm?: string | null }): T
  fftFftn(s?: number | readonly number[] | null, dim?: number | readonly number[] | null, norm?: string | null): T
  fftFftn(options?: { s?: number | readonly number[] | null; dim?: number | readonly number[] | null; norm?: string | null }): T
  fftIfftn(s?: number | readonly number[] | null, dim?: number | readonly number[] | null, norm?: string | null): T
  fftIfftn(options?: { s?: number | readonly number[] | null; dim?: number | readonly number[] | null; norm?: string | null }): T
  fftFftshift(dim?: number | readonly number[] | null): T
  fftFftshift(options?: { dim?: number | readonly number[] | null }): T
  fftIfftshift(dim?: number | readonly number[] | null): T
  fftIfftshift(options?: { dim?: number | readonly number[] | null }): T
  normal(std: T, options?: { generator?: Generator | null }): T
  normal(std?: number, options?: { generator?: Generator | null }): T
  normal(options?: { std?: number; generator?: Generator | null }): T
  normal_(mean?: number, std?: number, options?: { generator?: Generator | null }): this
  normal_(options?: { mean?: number; std?: number; generator?: Generator | null }): this
  bernoulli(options?: { generator?: Generator | null }): T
  bernoulli(p: T, options?: { generator?: Generator | null }): T
  bernoulli(p: number, options?: { generator?: Generator | null }): T
  bernoulli_(p: T, options?: { generator?: Generator | null }): this
  bernoulli_(p?: number, options?: { generator?: Generator | null }): this
  bernoulli_(options?: { p?: number; generator?: Generator | null }): this
  multinomial(numSamples: number, replacement?: boolean, options?: { generator?: Generator | null }): T
  multinomial(numSamples: number, options?: { replacement?: boolean; generator?: Generator | null }): T
  randLike(options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean }): T
  randLike(options: {
    generator: Generator | null
    dtype?: DType | null
    device?: string | null
    pinMemory?: boolean | null
    requiresGrad?: boolean
  }): T
  randnLike(options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean }): T
  randnLike(options: {
    generator: Generator | null
    dtype?: DType | null
    device?: string | null
    pinMemory?: boolean | null
    requiresGrad?: boolean
  }): T
  randintLike(
    high: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randintLike(
    high: T,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randintLike(
    high: T,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randintLike(
    high: number,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randintLike(
    low: number,
    high: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randintLike(
    low: number,
    high: number,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  uniform(from?: number, to?: number, options?: { generator?: Generator | null }): T
  uniform(options?: { from?: number; to?: number; generator?: Generator | null }): T
  uniform_(from?: number, to?: number, options?: { generator?: Generator | null }): this
  uniform_(options?: { from?: number; to?: number; generator?: Generator | null }): this
  random(options?: { generator?: Generator | null }): T
  random(to: number, options?: { generator?: Generator | null }): T
  random(from: number, to: number | null, options?: { generator?: Generator | null }): T
  random_(options?: { generator?: Generator | null }): this
  random_(to: number, options?: { generator?: Generator | null }): this
  random_(from: number, to: number | null, options?: { generator?: Generator | null }): this
  exponential(lambd?: number, options?: { generator?: Generator | null }): T
  exponential(options?: { lambd?: number; generator?: Generator | null }): T
  exponential_(lambd?: number, options?: { generator?: Generator | null }): this
  exponential_(options?: { lambd?: number; generator?: Generator | null }): this
  linspace(
    end: number | bigint | boolean,
    steps: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  linspace(end: T, steps: number, options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null }): T
  logspace(
    end: number | bigint | boolean,
    steps: number,
    base?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    end: number | bigint | boolean,
    steps: number,
    options?: { base?: number; dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    end: T,
    steps: number,
    base?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    end: T,
    steps: number,
    options?: { base?: number; dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  zerosLike(options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean }): T
  onesLike(options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean }): T
  fullLike(
    fillValue: number | bigint | boolean,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  fill(value: number | bigint | boolean): T
  fill(value: T): T
  fill_(value: number | bigint | boolean): this
  fill_(value: T): this
  zero(): T
  zero_(): this
  copy(src: T, nonBlocking?: boolean): T
  copy(src: T, options?: { nonBlocking?: boolean }): T
  copy_(src: T, nonBlocking?: boolean): this
  copy_(src: T, options?: { nonBlocking?: boolean }): this
}

/** Operators as functions. */
export interface TorchFunctions<T> {
  abs(self: T): T
  abs_(self: T): T
  neg(self: T): T
  neg_(self: T): T
  exp(self: T): T
  exp_(self: T): T
  exp2(self: T): T
  exp2_(self: T): T
  expm1(self: T): T
  expm1_(self: T): T
  log(self: T): T
  log_(self: T): T
  log2(self: T): T
  log2_(self: T): T
  log10(self: T): T
  log10_(self: T): T
  log1p(self: T): T
  log1p_(self: T): T
  sqrt(self: T): T
  sqrt_(self: T): T
  rsqrt(self: T): T
  rsqrt_(self: T): T
  square(self: T): T
  square_(self: T): T
  sin(self: T): T
  sin_(self: T): T
  cos(self: T): T
  cos_(self: T): T
  tan(self: T): T
  tan_(self: T): T
  asin(self: T): T
  asin_(self: T): T
  acos(self: T): T
  acos_(self: T): T
  atan(self: T): T
  atan_(self: T): T
  sinh(self: T): T
  sinh_(self: T): T
  cosh(self: T): T
  cosh_(self: T): T
  tanh(self: T): T
  tanh_(self: T): T
  asinh(self: T): T
  asinh_(self: T): T
  acosh(self: T): T
  acosh_(self: T): T
  atanh(self: T): T
  atanh_(self: T): T
  atan2(self: T, other: T): T
  atan2_(self: T, other: T): T
  sigmoid(self: T): T
  sigmoid_(self: T): T
  logit(self: T, eps?: number | null): T
  logit(self: T, options?: { eps?: number | null }): T
  logit_(self: T, eps?: number | null): T
  logit_(self: T, options?: { eps?: number | null }): T
  erf(self: T): T
  erf_(self: T): T
  erfc(self: T): T
  erfc_(self: T): T
  erfinv(self: T): T
  erfinv_(self: T): T
  lgamma(self: T): T
  lgamma_(self: T): T
  digamma(self: T): T
  digamma_(self: T): T
  i0(self: T): T
  i0_(self: T): T
  sinc(self: T): T
  sinc_(self: T): T
  ceil(self: T): T
  ceil_(self: T): T
  floor(self: T): T
  floor_(self: T): T
  round(self: T): T
  round(self: T, options: { decimals: number }): T
  round_(self: T): T
  round_(self: T, options: { decimals: number }): T
  trunc(self: T): T
  trunc_(self: T): T
  frac(self: T): T
  frac_(self: T): T
  sign(self: T): T
  sign_(self: T): T
  sgn(self: T): T
  sgn_(self: T): T
  reciprocal(self: T): T
  reciprocal_(self: T): T
  positive(self: T): T
  add(self: T, other: number | bigint | boolean, alpha?: number | bigint | boolean): T
  add(self: T, other: number | bigint | boolean, options?: { alpha?: number | bigint | boolean }): T
  add(self: T, other: T, options?: { alpha?: number | bigint | boolean }): T
  add_(self: T, other: number | bigint | boolean, alpha?: number | bigint | boolean): T
  add_(self: T, other: number | bigint | boolean, options?: { alpha?: number | bigint | boolean }): T
  add_(self: T, other: T, options?: { alpha?: number | bigint | boolean }): T
  sub(self: T, other: number | bigint | boolean, alpha?: number | bigint | boolean): T
  sub(self: T, other: number | bigint | boolean, options?: { alpha?: number | bigint | boolean }): T
  sub(self: T, other: T, options?: { alpha?: number | bigint | boolean }): T
  sub_(self: T, other: number | bigint | boolean, alpha?: number | bigint | boolean): T
  sub_(self: T, other: number | bigint | boolean, options?: { alpha?: number | bigint | boolean }): T
  sub_(self: T, other: T, options?: { alpha?: number | bigint | boolean }): T
  mul(self: T, other: number | bigint | boolean): T
  mul(self: T, other: T): T
  mul_(self: T, other: number | bigint | boolean): T
  mul_(self: T, other: T): T
  div(self: T, other: number | bigint | boolean): T
  div(self: T, other: T): T
  div(self: T, other: number | bigint | boolean, options: { roundingMode: string | null }): T
  div(self: T, other: T, options: { roundingMode: string | null }): T
  div_(self: T, other: number | bigint | boolean): T
  div_(self: T, other: T): T
  div_(self: T, other: number | bigint | boolean, options: { roundingMode: string | null }): T
  div_(self: T, other: T, options: { roundingMode: string | null }): T
  floorDivide(self: T, other: T): T
  floorDivide(self: T, other: number | bigint | boolean): T
  floorDivide_(self: T, other: number | bigint | boolean): T
  floorDivide_(self: T, other: T): T
  remainder(self: T, other: number | bigint | boolean): T
  remainder(self: number | bigint | boolean, other: T): T
  remainder(self: T, other: T): T
  remainder_(self: T, other: number | bigint | boolean): T
  remainder_(self: T, other: T): T
  fmod(self: T, other: number | bigint | boolean): T
  fmod(self: T, other: T): T
  fmod_(self: T, other: number | bigint | boolean): T
  fmod_(self: T, other: T): T
  pow(self: number | bigint | boolean, exponent: T): T
  pow(self: T, exponent: number | bigint | boolean): T
  pow(self: T, exponent: T): T
  pow_(self: T, exponent: number | bigint | boolean): T
  pow_(self: T, exponent: T): T
  floatPower(self: number | bigint | boolean, exponent: T): T
  floatPower(self: T, exponent: number | bigint | boolean): T
  floatPower(self: T, exponent: T): T
  floatPower_(self: T, exponent: number | bigint | boolean): T
  floatPower_(self: T, exponent: T): T
  clamp(self: T, min?: number | bigint | boolean | null, max?: number | bigint | boolean | null): T
  clamp(self: T, options?: { min?: number | bigint | boolean | null; max?: number | bigint | boolean | null }): T
  clamp(self: T, min?: T | null, max?: T | null): T
  clamp(self: T, options?: { min?: T | null; max?: T | null }): T
  clamp_(self: T, min?: number | bigint | boolean | null, max?: number | bigint | boolean | null): T
  clamp_(self: T, options?: { min?: number | bigint | boolean | null; max?: number | bigint | boolean | null }): T
  clamp_(self: T, min?: T | null, max?: T | null): T
  clamp_(self: T, options?: { min?: T | null; max?: T | null }): T
  clampMin(self: T, min: number | bigint | boolean): T
  clampMin(self: T, min: T): T
  clampMin_(self: T, min: number | bigint | boolean): T
  clampMin_(self: T, min: T): T
  clampMax(self: T, max: number | bigint | boolean): T
  clampMax(self: T, max: T): T
  clampMax_(self: T, max: number | bigint | boolean): T
  clampMax_(self: T, max: T): T
  maximum(self: T, other: T): T
  minimum(self: T, other: T): T
  fmax(self: T, other: T): T
  fmin(self: T, other: T): T
  lerp(self: T, end: T, weight: number | bigint | boolean): T
  lerp(self: T, end: T, weight: T): T
  lerp_(self: T, end: T, weight: number | bigint | boolean): T
  lerp_(self: T, end: T, weight: T): T
  addcmul(self: T, tensor1: T, tensor2: T, options?: { value?: number | bigint | boolean }): T
  addcmul_(self: T, tensor1: T, tensor2: T, options?: { value?: number | bigint | boolean }): T
  addcdiv(self: T, tensor1: T, tensor2: T, options?: { value?: number | bigint | boolean }): T
  addcdiv_(self: T, tensor1: T, tensor2: T, options?: { value?: number | bigint | boolean }): T
  hypot(self: T, other: T): T
  hypot_(self: T, other: T): T
  nanToNum(self: T, nan?: number | null, posinf?: number | null, neginf?: number | null): T
  nanToNum(self: T, options?: { nan?: number | null; posinf?: number | null; neginf?: number | null }): T
  nanToNum_(self: T, nan?: number | null, posinf?: number | null, neginf?: number | null): T
  nanToNum_(self: T, options?: { nan?: number | null; posinf?: number | null; neginf?: number | null }): T
  logaddexp(self: T, other: T): T
  logaddexp2(self: T, other: T): T
  xlogy(self: T, other: number | bigint | boolean): T
  xlogy(self: number | bigint | boolean, other: T): T
  xlogy(self: T, other: T): T
  xlogy_(self: T, other: number | bigint | boolean): T
  xlogy_(self: T, other: T): T
  copysign(self: T, other: number | bigint | boolean): T
  copysign(self: T, other: T): T
  copysign_(self: T, other: number | bigint | boolean): T
  copysign_(self: T, other: T): T
  heaviside(self: T, values: T): T
  heaviside_(self: T, values: T): T
  ldexp(self: T, other: T): T
  ldexp_(self: T, other: T): T
  deg2rad(self: T): T
  deg2rad_(self: T): T
  rad2deg(self: T): T
  rad2deg_(self: T): T
  gcd(self: T, other: T): T
  gcd_(self: T, other: T): T
  lcm(self: T, other: T): T
  lcm_(self: T, other: T): T
  real(self: T): T
  imag(self: T): T
  conj(self: T): T
  angle(self: T): T
  polar(abs: T, angle: T): T
  complex(real: T, imag: T): T
  eq(self: T, other: number | bigint | boolean): T
  eq(self: T, other: T): T
  eq_(self: T, other: number | bigint | boolean): T
  eq_(self: T, other: T): T
  ne(self: T, other: number | bigint | boolean): T
  ne(self: T, other: T): T
  ne_(self: T, other: number | bigint | boolean): T
  ne_(self: T, other: T): T
  lt(self: T, other: number | bigint | boolean): T
  lt(self: T, other: T): T
  lt_(self: T, other: number | bigint | boolean): T
  lt_(self: T, other: T): T
  le(self: T, other: number | bigint | boolean): T
  le(self: T, other: T): T
  le_(self: T, other: number | bigint | boolean): T
  le_(self: T, other: T): T
  gt(self: T, other: number | bigint | boolean): T
  gt(self: T, other: T): T
  gt_(self: T, other: number | bigint | boolean): T
  gt_(self: T, other: T): T
  ge(self: T, other: number | bigint | boolean): T
  ge(self: T, other: T): T
  ge_(self: T, other: number | bigint | boolean): T
  ge_(self: T, other: T): T
  isclose(self: T, other: T, rtol?: number, atol?: number, equalNan?: boolean): T
  isclose(self: T, other: T, options?: { rtol?: number; atol?: number; equalNan?: boolean }): T
  isnan(self: T): T
  isinf(self: T): T
  isfinite(self: T): T
  isposinf(self: T): T
  isneginf(self: T): T
  logicalAnd(self: T, other: T): T
  logicalAnd_(self: T, other: T): T
  logicalOr(self: T, other: T): T
  logicalOr_(self: T, other: T): T
  logicalNot(self: T): T
  logicalNot_(self: T): T
  logicalXor(self: T, other: T): T
  logicalXor_(self: T, other: T): T
  bitwiseAnd(self: T, other: number | bigint | boolean): T
  bitwiseAnd(self: number | bigint | boolean, other: T): T
  bitwiseAnd(self: T, other: T): T
  bitwiseAnd_(self: T, other: number | bigint | boolean): T
  bitwiseAnd_(self: T, other: T): T
  bitwiseOr(self: T, other: number | bigint | boolean): T
  bitwiseOr(self: number | bigint | boolean, other: T): T
  bitwiseOr(self: T, other: T): T
  bitwiseOr_(self: T, other: number | bigint | boolean): T
  bitwiseOr_(self: T, other: T): T
  bitwiseNot(self: T): T
  bitwiseNot_(self: T): T
  bitwiseXor(self: T, other: number | bigint | boolean): T
  bitwiseXor(self: number | bigint | boolean, other: T): T
  bitwiseXor(self: T, other: T): T
  bitwiseXor_(self: T, other: number | bigint | boolean): T
  bitwiseXor_(self: T, other: T): T
  bitwiseLeftShift(self: number | bigint | boolean, other: T): T
  bitwiseLeftShift(self: T, other: T): T
  bitwiseLeftShift(self: T, other: number | bigint | boolean): T
  bitwiseLeftShift_(self: T, other: T): T
  bitwiseLeftShift_(self: T, other: number | bigint | boolean): T
  bitwiseRightShift(self: number | bigint | boolean, other: T): T
  bitwiseRightShift(self: T, other: T): T
  bitwiseRightShift(self: T, other: number | bigint | boolean): T
  bitwiseRightShift_(self: T, other: T): T
  bitwiseRightShift_(self: T, other: number | bigint | boolean): T
  where(condition: T): T[]
  where(condition: T, self: number | bigint | boolean, other: number | bigint | boolean): T
  where(condition: T, self: T, other: number | bigint | boolean): T
  where(condition: T, self: number | bigint | boolean, other: T): T
  where(condition: T, self: T, other: T): T
  maskedFill(self: T, mask: T, value: number | bigint | boolean): T
  maskedFill(self: T, mask: T, value: T): T
  maskedFill_(self: T, mask: T, value: number | bigint | boolean): T
  maskedFill_(self: T, mask: T, value: T): T
  equal(self: T, other: T): boolean
  allclose(self: T, other: T, rtol?: number, atol?: number, equalNan?: boolean): boolean
  allclose(self: T, other: T, options?: { rtol?: number; atol?: number; equalNan?: boolean }): boolean
  isin(element: number | bigint | boolean, testElements: T, options?: { assumeUnique?: boolean; invert?: boolean }): T
  isin(elements: T, testElement: number | bigint | boolean, options?: { assumeUnique?: boolean; invert?: boolean }): T
  isin(elements: T, testElements: T, options?: { assumeUnique?: boolean; invert?: boolean }): T
  sum(self: T, options?: { dtype?: DType | null }): T
  sum(self: T, dim: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  sum(self: T, dim: number | readonly number[] | null, options?: { keepdim?: boolean; dtype?: DType | null }): T
  mean(self: T, options?: { dtype?: DType | null }): T
  mean(self: T, dim: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  mean(self: T, dim: number | readonly number[] | null, options?: { keepdim?: boolean; dtype?: DType | null }): T
  prod(self: T, options?: { dtype?: DType | null }): T
  prod(self: T, dim: number, keepdim?: boolean, options?: { dtype?: DType | null }): T
  prod(self: T, dim: number, options?: { keepdim?: boolean; dtype?: DType | null }): T
  var(self: T, unbiased?: boolean): T
  var(self: T, options?: { unbiased?: boolean }): T
  var(
    self: T,
    dim?: number | readonly number[] | null,
    options?: { correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): T
  var(
    self: T,
    options?: { dim?: number | readonly number[] | null; correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): T
  var(self: T, dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean): T
  var(self: T, dim: number | readonly number[] | null, options?: { unbiased?: boolean; keepdim?: boolean }): T
  std(self: T, unbiased?: boolean): T
  std(self: T, options?: { unbiased?: boolean }): T
  std(
    self: T,
    dim?: number | readonly number[] | null,
    options?: { correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): T
  std(
    self: T,
    options?: { dim?: number | readonly number[] | null; correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): T
  std(self: T, dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean): T
  std(self: T, dim: number | readonly number[] | null, options?: { unbiased?: boolean; keepdim?: boolean }): T
  varMean(self: T, unbiased?: boolean): [part1: T, part2: T]
  varMean(self: T, options?: { unbiased?: boolean }): [part1: T, part2: T]
  varMean(
    self: T,
    dim?: number | readonly number[] | null,
    options?: { correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): [part1: T, part2: T]
  varMean(
    self: T,
    options?: { dim?: number | readonly number[] | null; correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): [part1: T, part2: T]
  varMean(self: T, dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean): [part1: T, part2: T]
  varMean(
    self: T,
    dim: number | readonly number[] | null,
    options?: { unbiased?: boolean; keepdim?: boolean },
  ): [part1: T, part2: T]
  stdMean(self: T, unbiased?: boolean): [part1: T, part2: T]
  stdMean(self: T, options?: { unbiased?: boolean }): [part1: T, part2: T]
  stdMean(
    self: T,
    dim?: number | readonly number[] | null,
    options?: { correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): [part1: T, part2: T]
  stdMean(
    self: T,
    options?: { dim?: number | readonly number[] | null; correction?: number | bigint | boolean | null; keepdim?: boolean },
  ): [part1: T, part2: T]
  stdMean(self: T, dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean): [part1: T, part2: T]
  stdMean(
    self: T,
    dim: number | readonly number[] | null,
    options?: { unbiased?: boolean; keepdim?: boolean },
  ): [part1: T, part2: T]
  amax(self: T, dim?: number | readonly number[], keepdim?: boolean): T
  amax(self: T, options?: { dim?: number | readonly number[]; keepdim?: boolean }): T
  amin(self: T, dim?: number | readonly number[], keepdim?: boolean): T
  amin(self: T, options?: { dim?: number | readonly number[]; keepdim?: boolean }): T
  aminmax(self: T, options?: { dim?: number | null; keepdim?: boolean }): [min: T, max: T]
  max(self: T): T
  max(self: T, other: T): T
  max(self: T, dim: number, keepdim?: boolean): [values: T, indices: T]
  max(self: T, dim: number, options?: { keepdim?: boolean }): [values: T, indices: T]
  min(self: T): T
  min(self: T, other: T): T
  min(self: T, dim: number, keepdim?: boolean): [values: T, indices: T]
  min(self: T, dim: number, options?: { keepdim?: boolean }): [values: T, indices: T]
  argmax(self: T, dim?: number | null, keepdim?: boolean): T
  argmax(self: T, options?: { dim?: number | null; keepdim?: boolean }): T
  argmin(self: T, dim?: number | null, keepdim?: boolean): T
  argmin(self: T, options?: { dim?: number | null; keepdim?: boolean }): T
  all(self: T): T
  all(self: T, dim: number, keepdim?: boolean): T
  all(self: T, dim: number, options?: { keepdim?: boolean }): T
  all(self: T, dim?: number | readonly number[] | null, keepdim?: boolean): T
  all(self: T, options?: { dim?: number | readonly number[] | null; keepdim?: boolean }): T
  any(self: T): T
  any(self: T, dim: number, keepdim?: boolean): T
  any(self: T, dim: number, options?: { keepdim?: boolean }): T
  any(self: T, dim?: number | readonly number[] | null, keepdim?: boolean): T
  any(self: T, options?: { dim?: number | readonly number[] | null; keepdim?: boolean }): T
  nansum(self: T, dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  nansum(self: T, options?: { dim?: number | readonly number[] | null; keepdim?: boolean; dtype?: DType | null }): T
  nanmean(self: T, dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): T
  nanmean(self: T, options?: { dim?: number | readonly number[] | null; keepdim?: boolean; dtype?: DType | null }): T
  median(self: T): T
  median(self: T, dim: number, keepdim?: boolean): [values: T, indices: T]
  median(self: T, dim: number, options?: { keepdim?: boolean }): [values: T, indices: T]
  nanmedian(self: T): T
  nanmedian(self: T, dim: number, keepdim?: boolean): [values: T, indices: T]
  nanmedian(self: T, dim: number, options?: { keepdim?: boolean }): [values: T, indices: T]
  mode(self: T, dim?: number, keepdim?: boolean): [values: T, indices: T]
  mode(self: T, options?: { dim?: number; keepdim?: boolean }): [values: T, indices: T]
  logsumexp(self: T, dim: number | readonly number[], keepdim?: boolean): T
  logsumexp(self: T, dim: number | readonly number[], options?: { keepdim?: boolean }): T
  norm(self: T, p?: number | bigint | boolean): T
  norm(self: T, options?: { p?: number | bigint | boolean }): T
  norm(self: T, p: number | bigint | boolean | null, options: { dtype: DType }): T
  norm(self: T, p: number | bigint | boolean | null, dim: number | readonly number[], keepdim?: boolean): T
  norm(self: T, p: number | bigint | boolean | null, dim: number | readonly number[], options?: { keepdim?: boolean }): T
  norm(
    self: T,
    p: number | bigint | boolean | null,
    dim: number | readonly number[],
    keepdim: boolean,
    options: { dtype: DType },
  ): T
  cumsum(self: T, dim: number, options?: { dtype?: DType | null }): T
  cumsum_(self: T, dim: number, options?: { dtype?: DType | null }): T
  cumprod(self: T, dim: number, options?: { dtype?: DType | null }): T
  cumprod_(self: T, dim: number, options?: { dtype?: DType | null }): T
  cummax(self: T, dim: number): [values: T, indices: T]
  cummin(self: T, dim: number): [values: T, indices: T]
  logcumsumexp(self: T, dim: number): T
  countNonzero(self: T, dim?: number | null): T
  countNonzero(self: T, options?: { dim?: number | null }): T
  countNonzero(self: T, dim: number | readonly number[]): T
  quantile(self: T, q: T, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string }): T
  quantile(self: T, q: T, options?: { dim?: number | null; keepdim?: boolean; interpolation?: string }): T
  quantile(self: T, q: number, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string }): T
  quantile(self: T, q: number, options?: { dim?: number | null; keepdim?: boolean; interpolation?: string }): T
  nanquantile(self: T, q: T, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string }): T
  nanquantile(self: T, q: T, options?: { dim?: number | null; keepdim?: boolean; interpolation?: string }): T
  nanquantile(self: T, q: number, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string }): T
  nanquantile(self: T, q: number, options?: { dim?: number | null; keepdim?: boolean; interpolation?: string }): T
  trace(self: T): T
  dist(self: T, other: T, p?: number | bigint | boolean): T
  dist(self: T, other: T, options?: { p?: number | bigint | boolean }): T
  diff(self: T, n?: number, dim?: number, prepend?: T | null, append?: T | null): T
  diff(self: T, options?: { n?: number; dim?: number; prepend?: T | null; append?: T | null }): T
  cov(self: T, options?: { correction?: number; fweights?: T | null; aweights?: T | null }): T
  corrcoef(self: T): T
  sort(self: T, dim?: number, descending?: boolean): [values: T, indices: T]
  sort(self: T, options?: { dim?: number; descending?: boolean }): [values: T, indices: T]
  sort(self: T, options: { stable: boolean | null; dim?: number; descending?: boolean }): [values: T, indices: T]
  argsort(self: T, dim?: number, descending?: boolean): T
  argsort(self: T, options?: { dim?: number; descending?: boolean }): T
  argsort(self: T, options: { stable: boolean; dim?: number; descending?: boolean }): T
  msort(self: T): T
  topk(self: T, k: number, dim?: number, largest?: boolean, sorted?: boolean): [values: T, indices: T]
  topk(self: T, k: number, options?: { dim?: number; largest?: boolean; sorted?: boolean }): [values: T, indices: T]
  kthvalue(self: T, k: number, dim?: number, keepdim?: boolean): [values: T, indices: T]
  kthvalue(self: T, k: number, options?: { dim?: number; keepdim?: boolean }): [values: T, indices: T]
  histc(self: T, bins?: number, min?: number | bigint | boolean, max?: number | bigint | boolean): T
  histc(self: T, options?: { bins?: number; min?: number | bigint | boolean; max?: number | bigint | boolean }): T
  bincount(self: T, weights?: T | null, minlength?: number): T
  bincount(self: T, options?: { weights?: T | null; minlength?: number }): T
  bucketize(self: number | bigint | boolean, boundaries: T, options?: { outInt32?: boolean; right?: boolean }): T
  bucketize(self: T, boundaries: T, options?: { outInt32?: boolean; right?: boolean }): T
  searchsorted(
    sortedSequence: T,
    self: number | bigint | boolean,
    options?: { outInt32?: boolean; right?: boolean; side?: string | null; sorter?: T | null },
  ): T
  searchsorted(
    sortedSequence: T,
    self: T,
    options?: { outInt32?: boolean; right?: boolean; side?: string | null; sorter?: T | null },
  ): T
  uniqueConsecutive(self: T, returnInverse?: boolean, returnCounts?: boolean, dim?: number | null): [part1: T, part2: T, part3: T]
  uniqueConsecutive(
    self: T,
    options?: { returnInverse?: boolean; returnCounts?: boolean; dim?: number | null },
  ): [part1: T, part2: T, part3: T]
  uniqueDim(
    self: T,
    dim: number,
    sorted?: boolean,
    returnInverse?: boolean,
    returnCounts?: boolean,
  ): [part1: T, part2: T, part3: T]
  uniqueDim(
    self: T,
    dim: number,
    options?: { sorted?: boolean; returnInverse?: boolean; returnCounts?: boolean },
  ): [part1: T, part2: T, part3: T]
  reshape(self: T, shape: number | readonly number[]): T
  reshapeAs(self: T, other: T): T
  view(self: T, size: number | readonly number[]): T
  view(self: T, dtype: DType): T
  viewAs(self: T, other: T): T
  flatten(self: T, startDim?: number, endDim?: number): T
  flatten(self: T, options?: { startDim?: number; endDim?: number }): T
  unflatten(self: T, dim: number, sizes: number | readonly number[]): T
  ravel(self: T): T
  squeeze(self: T): T
  squeeze(self: T, dim: number): T
  squeeze(self: T, dim: number | readonly number[]): T
  squeeze_(self: T): T
  squeeze_(self: T, dim: number): T
  squeeze_(self: T, dim: number | readonly number[]): T
  unsqueeze(self: T, dim: number): T
  unsqueeze_(self: T, dim: number): T
  transpose(self: T, dim0: number, dim1: number): T
  transpose_(self: T, dim0: number, dim1: number): T
  t(self: T): T
  t_(self: T): T
  permute(self: T, dims: number | readonly number[]): T
  movedim(self: T, source: number, destination: number): T
  movedim(self: T, source: number | readonly number[], destination: number | readonly number[]): T
  swapaxes(self: T, axis0: number, axis1: number): T
  swapaxes_(self: T, axis0: number, axis1: number): T
  expand(self: T, size: number | readonly number[], options?: { implicit?: boolean }): T
  expandAs(self: T, other: T): T
  broadcastTo(self: T, size: number | readonly number[]): T
  broadcastTensors(tensors: readonly T[]): T[]
  repeat(self: T, repeats: number | readonly number[]): T
  tile(self: T, dims: number | readonly number[]): T
  repeatInterleave(repeats: T, options?: { outputSize?: number | null }): T
  repeatInterleave(self: T, repeats: T, dim?: number | null, options?: { outputSize?: number | null }): T
  repeatInterleave(self: T, repeats: T, options?: { dim?: number | null; outputSize?: number | null }): T
  repeatInterleave(self: T, repeats: number, dim?: number | null, options?: { outputSize?: number | null }): T
  repeatInterleave(self: T, repeats: number, options?: { dim?: number | null; outputSize?: number | null }): T
  flip(self: T, dims: number | readonly number[]): T
  fliplr(self: T): T
  flipud(self: T): T
  roll(self: T, shifts: number | readonly number[], dims?: number | readonly number[]): T
  roll(self: T, shifts: number | readonly number[], options?: { dims?: number | readonly number[] }): T
  rot90(self: T, k?: number, dims?: number | readonly number[]): T
  rot90(self: T, options?: { k?: number; dims?: number | readonly number[] }): T
  narrow(self: T, dim: number, start: number, length: number): T
  narrow(self: T, dim: number, start: T, length: number): T
  select(self: T, dim: number, index: number): T
  slice(self: T, dim?: number, start?: number | null, end?: number | null, step?: number): T
  slice(self: T, options?: { dim?: number; start?: number | null; end?: number | null; step?: number }): T
  unfold(self: T, dimension: number, size: number, step: number): T
  split(self: T, splitSize: number, dim?: number): T[]
  split(self: T, splitSize: number, options?: { dim?: number }): T[]
  split(self: T, splitSize: number | readonly number[], dim?: number): T[]
  split(self: T, splitSize: number | readonly number[], options?: { dim?: number }): T[]
  tensorSplit(self: T, sections: number, dim?: number): T[]
  tensorSplit(self: T, sections: number, options?: { dim?: number }): T[]
  tensorSplit(self: T, tensorIndicesOrSections: T, dim?: number): T[]
  tensorSplit(self: T, tensorIndicesOrSections: T, options?: { dim?: number }): T[]
  tensorSplit(self: T, indices: number | readonly number[], dim?: number): T[]
  tensorSplit(self: T, indices: number | readonly number[], options?: { dim?: number }): T[]
  chunk(self: T, chunks: number, dim?: number): T[]
  chunk(self: T, chunks: number, options?: { dim?: number }): T[]
  unbind(self: T, dim?: number): T[]
  unbind(self: T, options?: { dim?: number }): T[]
  cat(tensors: readonly T[], dim?: number): T
  cat(tensors: readonly T[], options?: { dim?: number }): T
  stack(tensors: readonly T[], dim?: number): T
  stack(tensors: readonly T[], options?: { dim?: number }): T
  hstack(tensors: readonly T[]): T
  vstack(tensors: readonly T[]): T
  dstack(tensors: readonly T[]): T
  columnStack(tensors: readonly T[]): T
  atleast1d(self: T): T
  atleast1d(tensors: readonly T[]): T[]
  atleast2d(self: T): T
  atleast2d(tensors: readonly T[]): T[]
  atleast3d(self: T): T
  atleast3d(tensors: readonly T[]): T[]
  tril(self: T, diagonal?: number): T
  tril(self: T, options?: { diagonal?: number }): T
  tril_(self: T, diagonal?: number): T
  tril_(self: T, options?: { diagonal?: number }): T
  triu(self: T, diagonal?: number): T
  triu(self: T, options?: { diagonal?: number }): T
  triu_(self: T, diagonal?: number): T
  triu_(self: T, options?: { diagonal?: number }): T
  diag(self: T, diagonal?: number): T
  diag(self: T, options?: { diagonal?: number }): T
  diagonal(self: T, offset?: number, dim1?: number, dim2?: number): T
  diagonal(self: T, options?: { offset?: number; dim1?: number; dim2?: number }): T
  diagEmbed(self: T, offset?: number, dim1?: number, dim2?: number): T
  diagEmbed(self: T, options?: { offset?: number; dim1?: number; dim2?: number }): T
  diagflat(self: T, offset?: number): T
  diagflat(self: T, options?: { offset?: number }): T
  blockDiag(tensors: readonly T[]): T
  cartesianProd(tensors: readonly T[]): T
  combinations(self: T, r?: number, withReplacement?: boolean): T
  combinations(self: T, options?: { r?: number; withReplacement?: boolean }): T
  meshgrid(tensors: readonly T[]): T[]
  meshgrid(tensors: readonly T[], options: { indexing: string }): T[]
  contiguous(self: T): T
  clone(self: T): T
  detach(self: T): T
  detach_(self: T): T
  pad(self: T, pad: number | readonly number[], mode?: string, value?: number | null): T
  pad(self: T, pad: number | readonly number[], options?: { mode?: string; value?: number | null }): T
  constantPadNd(self: T, pad: number | readonly number[], value?: number | bigint | boolean): T
  constantPadNd(self: T, pad: number | readonly number[], options?: { value?: number | bigint | boolean }): T
  adjoint(self: T): T
  typeAs(self: T, other: T): T
  indexSelect(self: T, dim: number, index: T): T
  gather(self: T, dim: number, index: T, options?: { sparseGrad?: boolean }): T
  scatter(self: T, dim: number, index: T, src: T): T
  scatter(self: T, dim: number, index: T, value: number | bigint | boolean): T
  scatter(self: T, dim: number, index: T, src: T, options: { reduce: string }): T
  scatter(self: T, dim: number, index: T, value: number | bigint | boolean, options: { reduce: string }): T
  scatter_(self: T, dim: number, index: T, src: T): T
  scatter_(self: T, dim: number, index: T, value: number | bigint | boolean): T
  scatter_(self: T, dim: number, index: T, src: T, options: { reduce: string }): T
  scatter_(self: T, dim: number, index: T, value: number | bigint | boolean, options: { reduce: string }): T
  scatterAdd(self: T, dim: number, index: T, src: T): T
  scatterAdd_(self: T, dim: number, index: T, src: T): T
  scatterReduce(self: T, dim: number, index: T, src: T, reduce: string, options?: { includeSelf?: boolean }): T
  scatterReduce_(self: T, dim: number, index: T, src: T, reduce: string, options?: { includeSelf?: boolean }): T
  maskedSelect(self: T, mask: T): T
  maskedScatter(self: T, mask: T, source: T): T
  maskedScatter_(self: T, mask: T, source: T): T
  take(self: T, index: T): T
  takeAlongDim(self: T, indices: T, dim?: number | null): T
  takeAlongDim(self: T, indices: T, options?: { dim?: number | null }): T
  nonzero(self: T): T
  argwhere(self: T): T
  indexPut(self: T, indices: readonly (T | null)[], values: T, accumulate?: boolean): T
  indexPut(self: T, indices: readonly (T | null)[], values: T, options?: { accumulate?: boolean }): T
  indexPut_(self: T, indices: readonly (T | null)[], values: T, accumulate?: boolean): T
  indexPut_(self: T, indices: readonly (T | null)[], values: T, options?: { accumulate?: boolean }): T
  indexAdd(self: T, dim: number, index: T, source: T, options?: { alpha?: number | bigint | boolean }): T
  indexAdd_(self: T, dim: number, index: T, source: T, options?: { alpha?: number | bigint | boolean }): T
  indexCopy(self: T, dim: number, index: T, source: T): T
  indexCopy_(self: T, dim: number, index: T, source: T): T
  indexFill(self: T, dim: number, index: T, value: number | bigint | boolean): T
  indexFill(self: T, dim: number, index: T, value: T): T
  indexFill_(self: T, dim: number, index: T, value: number | bigint | boolean): T
  indexFill_(self: T, dim: number, index: T, value: T): T
  oneHot(self: T, numClasses?: number): T
  oneHot(self: T, options?: { numClasses?: number }): T
  embedding(weight: T, indices: T, paddingIdx?: number, scaleGradByFreq?: boolean, sparse?: boolean): T
  embedding(weight: T, indices: T, options?: { paddingIdx?: number; scaleGradByFreq?: boolean; sparse?: boolean }): T
  matmul(self: T, other: T): T
  mm(self: T, mat2: T): T
  mm(self: T, mat2: T, outDtype: DType): T
  bmm(self: T, mat2: T): T
  bmm(self: T, mat2: T, outDtype: DType): T
  mv(self: T, vec: T): T
  dot(self: T, tensor: T): T
  vdot(self: T, other: T): T
  inner(self: T, other: T): T
  outer(self: T, vec2: T): T
  addmm(self: T, mat1: T, mat2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addmm(
    self: T,
    mat1: T,
    mat2: T,
    outDtype: DType,
    options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean },
  ): T
  addmm_(self: T, mat1: T, mat2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addmv(self: T, mat: T, vec: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addmv_(self: T, mat: T, vec: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addr(self: T, vec1: T, vec2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  addr_(self: T, vec1: T, vec2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  baddbmm(self: T, batch1: T, batch2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  baddbmm(
    self: T,
    batch1: T,
    batch2: T,
    outDtype: DType,
    options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean },
  ): T
  baddbmm_(self: T, batch1: T, batch2: T, options?: { beta?: number | bigint | boolean; alpha?: number | bigint | boolean }): T
  kron(self: T, other: T): T
  linalgCross(self: T, other: T, options?: { dim?: number }): T
  einsum(equation: string, tensors: readonly T[], options?: { path?: number | readonly number[] | null }): T
  tensordot(self: T, other: T, dimsSelf: number | readonly number[], dimsOther: number | readonly number[]): T
  linear(input: T, weight: T, bias?: T | null): T
  linear(input: T, weight: T, options?: { bias?: T | null }): T
  bilinear(input1: T, input2: T, weight: T, bias?: T | null): T
  bilinear(input1: T, input2: T, weight: T, options?: { bias?: T | null }): T
  cdist(x1: T, x2: T, p?: number, computeMode?: number | null): T
  cdist(x1: T, x2: T, options?: { p?: number; computeMode?: number | null }): T
  linalgNorm(
    self: T,
    ord?: number | bigint | boolean | null,
    dim?: number | readonly number[] | null,
    keepdim?: boolean,
    options?: { dtype?: DType | null },
  ): T
  linalgNorm(
    self: T,
    options?: {
      ord?: number | bigint | boolean | null
      dim?: number | readonly number[] | null
      keepdim?: boolean
      dtype?: DType | null
    },
  ): T
  linalgNorm(
    self: T,
    ord: string,
    dim?: number | readonly number[] | null,
    keepdim?: boolean,
    options?: { dtype?: DType | null },
  ): T
  linalgNorm(
    self: T,
    ord: string,
    options?: { dim?: number | readonly number[] | null; keepdim?: boolean; dtype?: DType | null },
  ): T
  linalgVectorNorm(
    self: T,
    ord?: number | bigint | boolean,
    dim?: number | readonly number[] | null,
    keepdim?: boolean,
    options?: { dtype?: DType | null },
  ): T
  linalgVectorNorm(
    self: T,
    options?: {
      ord?: number | bigint | boolean
      dim?: number | readonly number[] | null
      keepdim?: boolean
      dtype?: DType | null
    },
  ): T
  linalgMatrixNorm(
    self: T,
    ord: number | bigint | boolean,
    dim?: number | readonly number[],
    keepdim?: boolean,
    options?: { dtype?: DType | null },
  ): T
  linalgMatrixNorm(
    self: T,
    ord: number | bigint | boolean,
    options?: { dim?: number | readonly number[]; keepdim?: boolean; dtype?: DType | null },
  ): T
  linalgMatrixNorm(
    self: T,
    ord?: string,
    dim?: number | readonly number[],
    keepdim?: boolean,
    options?: { dtype?: DType | null },
  ): T
  linalgMatrixNorm(
    self: T,
    options?: { ord?: string; dim?: number | readonly number[]; keepdim?: boolean; dtype?: DType | null },
  ): T
  linalgInv(A: T): T
  linalgPinv(self: T, rcond: number, hermitian?: boolean): T
  linalgPinv(self: T, rcond: number, options?: { hermitian?: boolean }): T
  linalgPinv(self: T, rcond: T, hermitian?: boolean): T
  linalgPinv(self: T, rcond: T, options?: { hermitian?: boolean }): T
  linalgPinv(self: T, options?: { atol?: number | null; rtol?: number | null; hermitian?: boolean }): T
  linalgPinv(self: T, options?: { atol?: T | null; rtol?: T | null; hermitian?: boolean }): T
  linalgDet(A: T): T
  linalgSlogdet(A: T): [sign: T, logabsdet: T]
  linalgSolve(A: T, B: T, options?: { left?: boolean }): T
  linalgSolveTriangular(self: T, B: T, options: { upper: boolean; left?: boolean; unitriangular?: boolean }): T
  linalgLstsq(
    self: T,
    b: T,
    rcond?: number | null,
    options?: { driver?: string | null },
  ): [solution: T, residuals: T, rank: T, singularValues: T]
  linalgLstsq(
    self: T,
    b: T,
    options?: { rcond?: number | null; driver?: string | null },
  ): [solution: T, residuals: T, rank: T, singularValues: T]
  linalgEigh(self: T, UPLO?: string): [eigenvalues: T, eigenvectors: T]
  linalgEigh(self: T, options?: { UPLO?: string }): [eigenvalues: T, eigenvectors: T]
  linalgEigvalsh(self: T, UPLO?: string): T
  linalgEigvalsh(self: T, options?: { UPLO?: string }): T
  linalgEig(self: T): [eigenvalues: T, eigenvectors: T]
  linalgEigvals(self: T): T
  linalgSvd(A: T, fullMatrices?: boolean, options?: { driver?: string | null }): [U: T, S: T, Vh: T]
  linalgSvd(A: T, options?: { fullMatrices?: boolean; driver?: string | null }): [U: T, S: T, Vh: T]
  linalgSvdvals(A: T, options?: { driver?: string | null }): T
  linalgQr(A: T, mode?: string): [Q: T, R: T]
  linalgQr(A: T, options?: { mode?: string }): [Q: T, R: T]
  linalgCholesky(self: T, options?: { upper?: boolean }): T
  linalgMatrixPower(self: T, n: number): T
  linalgMatrixExp(self: T): T
  linalgMatrixRank(self: T, tol: number, hermitian?: boolean): T
  linalgMatrixRank(self: T, tol: number, options?: { hermitian?: boolean }): T
  linalgMatrixRank(input: T, tol: T, hermitian?: boolean): T
  linalgMatrixRank(input: T, tol: T, options?: { hermitian?: boolean }): T
  linalgMatrixRank(self: T, options?: { atol?: number | null; rtol?: number | null; hermitian?: boolean }): T
  linalgMatrixRank(input: T, options?: { atol?: T | null; rtol?: T | null; hermitian?: boolean }): T
  linalgCond(self: T, p?: number | bigint | boolean | null): T
  linalgCond(self: T, options?: { p?: number | bigint | boolean | null }): T
  linalgCond(self: T, p: string): T
  linalgMultiDot(tensors: readonly T[]): T
  choleskySolve(self: T, input2: T, upper?: boolean): T
  choleskySolve(self: T, input2: T, options?: { upper?: boolean }): T
  choleskyInverse(self: T, upper?: boolean): T
  choleskyInverse(self: T, options?: { upper?: boolean }): T
  relu(self: T): T
  relu_(self: T): T
  relu6(self: T): T
  relu6_(self: T): T
  leakyRelu(self: T, negativeSlope?: number | bigint | boolean): T
  leakyRelu(self: T, options?: { negativeSlope?: number | bigint | boolean }): T
  leakyRelu_(self: T, negativeSlope?: number | bigint | boolean): T
  leakyRelu_(self: T, options?: { negativeSlope?: number | bigint | boolean }): T
  elu(self: T, alpha?: number | bigint | boolean, scale?: number | bigint | boolean, inputScale?: number | bigint | boolean): T
  elu(
    self: T,
    options?: { alpha?: number | bigint | boolean; scale?: number | bigint | boolean; inputScale?: number | bigint | boolean },
  ): T
  elu_(self: T, alpha?: number | bigint | boolean, scale?: number | bigint | boolean, inputScale?: number | bigint | boolean): T
  elu_(
    self: T,
    options?: { alpha?: number | bigint | boolean; scale?: number | bigint | boolean; inputScale?: number | bigint | boolean },
  ): T
  selu(self: T): T
  selu_(self: T): T
  celu(self: T, alpha?: number | bigint | boolean): T
  celu(self: T, options?: { alpha?: number | bigint | boolean }): T
  celu_(self: T, alpha?: number | bigint | boolean): T
  celu_(self: T, options?: { alpha?: number | bigint | boolean }): T
  gelu(self: T, options?: { approximate?: string }): T
  gelu_(self: T, options?: { approximate?: string }): T
  silu(self: T): T
  silu_(self: T): T
  mish(self: T): T
  mish_(self: T): T
  softplus(self: T, beta?: number | bigint | boolean, threshold?: number | bigint | boolean): T
  softplus(self: T, options?: { beta?: number | bigint | boolean; threshold?: number | bigint | boolean }): T
  hardtanh(self: T, minVal?: number | bigint | boolean, maxVal?: number | bigint | boolean): T
  hardtanh(self: T, options?: { minVal?: number | bigint | boolean; maxVal?: number | bigint | boolean }): T
  hardtanh_(self: T, minVal?: number | bigint | boolean, maxVal?: number | bigint | boolean): T
  hardtanh_(self: T, options?: { minVal?: number | bigint | boolean; maxVal?: number | bigint | boolean }): T
  hardsigmoid(self: T): T
  hardsigmoid_(self: T): T
  hardswish(self: T): T
  hardswish_(self: T): T
  logSigmoid(self: T): T
  glu(self: T, dim?: number): T
  glu(self: T, options?: { dim?: number }): T
  prelu(self: T, weight: T): T
  threshold(self: T, threshold: number | bigint | boolean, value: number | bigint | boolean): T
  threshold_(self: T, threshold: number | bigint | boolean, value: number | bigint | boolean): T
  softmax(self: T, dim: number, dtype?: DType | null): T
  softmax(self: T, dim: number, options?: { dtype?: DType | null }): T
  logSoftmax(self: T, dim: number, dtype?: DType | null): T
  logSoftmax(self: T, dim: number, options?: { dtype?: DType | null }): T
  dropout(input: T, p: number, train: boolean): T
  dropout_(self: T, p: number, train: boolean): T
  layerNorm(
    input: T,
    normalizedShape: number | readonly number[],
    weight?: T | null,
    bias?: T | null,
    eps?: number,
    cudnnEnable?: boolean,
  ): T
  layerNorm(
    input: T,
    normalizedShape: number | readonly number[],
    options?: { weight?: T | null; bias?: T | null; eps?: number; cudnnEnable?: boolean },
  ): T
  groupNorm(input: T, numGroups: number, weight?: T | null, bias?: T | null, eps?: number, cudnnEnabled?: boolean): T
  groupNorm(
    input: T,
    numGroups: number,
    options?: { weight?: T | null; bias?: T | null; eps?: number; cudnnEnabled?: boolean },
  ): T
  batchNorm(
    input: T,
    weight: T | null,
    bias: T | null,
    runningMean: T | null,
    runningVar: T | null,
    training: boolean,
    momentum: number,
    eps: number,
    cudnnEnabled: boolean,
  ): T
  rmsNorm(input: T, normalizedShape: number | readonly number[], weight?: T | null, eps?: number | null): T
  rmsNorm(input: T, normalizedShape: number | readonly number[], options?: { weight?: T | null; eps?: number | null }): T
  conv1d(
    input: T,
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv1d(
    input: T,
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv1d(
    input: T,
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: string,
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv1d(
    input: T,
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: string
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv2d(
    input: T,
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv2d(
    input: T,
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv2d(
    input: T,
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: string,
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv2d(
    input: T,
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: string
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv3d(
    input: T,
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv3d(
    input: T,
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  conv3d(
    input: T,
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: string,
    dilation?: number | readonly number[],
    groups?: number,
  ): T
  conv3d(
    input: T,
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: string
      dilation?: number | readonly number[]
      groups?: number
    },
  ): T
  convTranspose1d(
    input: T,
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    outputPadding?: number | readonly number[],
    groups?: number,
    dilation?: number | readonly number[],
  ): T
  convTranspose1d(
    input: T,
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      outputPadding?: number | readonly number[]
      groups?: number
      dilation?: number | readonly number[]
    },
  ): T
  convTranspose2d(
    input: T,
    weight: T,
    bias?: T | null,
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    outputPadding?: number | readonly number[],
    groups?: number,
    dilation?: number | readonly number[],
  ): T
  convTranspose2d(
    input: T,
    weight: T,
    options?: {
      bias?: T | null
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      outputPadding?: number | readonly number[]
      groups?: number
      dilation?: number | readonly number[]
    },
  ): T
  maxPool1d(
    self: T,
    kernelSize: number | readonly number[],
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    ceilMode?: boolean,
  ): T
  maxPool1d(
    self: T,
    kernelSize: number | readonly number[],
    options?: {
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      ceilMode?: boolean
    },
  ): T
  maxPool2d(
    self: T,
    kernelSize: number | readonly number[],
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    dilation?: number | readonly number[],
    ceilMode?: boolean,
  ): T
  maxPool2d(
    self: T,
    kernelSize: number | readonly number[],
    options?: {
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      dilation?: number | readonly number[]
      ceilMode?: boolean
    },
  ): T
  avgPool1d(
    self: T,
    kernelSize: number | readonly number[],
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    ceilMode?: boolean,
    countIncludePad?: boolean,
  ): T
  avgPool1d(
    self: T,
    kernelSize: number | readonly number[],
    options?: {
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      ceilMode?: boolean
      countIncludePad?: boolean
    },
  ): T
  avgPool2d(
    self: T,
    kernelSize: number | readonly number[],
    stride?: number | readonly number[],
    padding?: number | readonly number[],
    ceilMode?: boolean,
    countIncludePad?: boolean,
    divisorOverride?: number | null,
  ): T
  avgPool2d(
    self: T,
    kernelSize: number | readonly number[],
    options?: {
      stride?: number | readonly number[]
      padding?: number | readonly number[]
      ceilMode?: boolean
      countIncludePad?: boolean
      divisorOverride?: number | null
    },
  ): T
  adaptiveAvgPool1d(self: T, outputSize: number | readonly number[]): T
  adaptiveAvgPool2d(self: T, outputSize: number | readonly number[]): T
  pixelShuffle(self: T, upscaleFactor: number): T
  scaledDotProductAttention(
    query: T,
    key: T,
    value: T,
    attnMask?: T | null,
    dropoutP?: number,
    isCausal?: boolean,
    options?: { scale?: number | null; enableGqa?: boolean },
  ): T
  scaledDotProductAttention(
    query: T,
    key: T,
    value: T,
    options?: { attnMask?: T | null; dropoutP?: number; isCausal?: boolean; scale?: number | null; enableGqa?: boolean },
  ): T
  cosineSimilarity(x1: T, x2: T, dim?: number, eps?: number): T
  cosineSimilarity(x1: T, x2: T, options?: { dim?: number; eps?: number }): T
  pairwiseDistance(x1: T, x2: T, p?: number, eps?: number, keepdim?: boolean): T
  pairwiseDistance(x1: T, x2: T, options?: { p?: number; eps?: number; keepdim?: boolean }): T
  mseLoss(self: T, target: T, reduction?: 'none' | 'mean' | 'sum'): T
  mseLoss(self: T, target: T, options?: { reduction?: 'none' | 'mean' | 'sum' }): T
  l1Loss(self: T, target: T, reduction?: 'none' | 'mean' | 'sum'): T
  l1Loss(self: T, target: T, options?: { reduction?: 'none' | 'mean' | 'sum' }): T
  smoothL1Loss(self: T, target: T, reduction?: 'none' | 'mean' | 'sum', beta?: number): T
  smoothL1Loss(self: T, target: T, options?: { reduction?: 'none' | 'mean' | 'sum'; beta?: number }): T
  huberLoss(self: T, target: T, reduction?: 'none' | 'mean' | 'sum', delta?: number): T
  huberLoss(self: T, target: T, options?: { reduction?: 'none' | 'mean' | 'sum'; delta?: number }): T
  crossEntropyLoss(
    self: T,
    target: T,
    weight?: T | null,
    reduction?: 'none' | 'mean' | 'sum',
    ignoreIndex?: number,
    labelSmoothing?: number,
  ): T
  crossEntropyLoss(
    self: T,
    target: T,
    options?: { weight?: T | null; reduction?: 'none' | 'mean' | 'sum'; ignoreIndex?: number; labelSmoothing?: number },
  ): T
  nllLoss(self: T, target: T, weight?: T | null, reduction?: 'none' | 'mean' | 'sum', ignoreIndex?: number): T
  nllLoss(self: T, target: T, options?: { weight?: T | null; reduction?: 'none' | 'mean' | 'sum'; ignoreIndex?: number }): T
  binaryCrossEntropy(self: T, target: T, weight?: T | null, reduction?: 'none' | 'mean' | 'sum'): T
  binaryCrossEntropy(self: T, target: T, options?: { weight?: T | null; reduction?: 'none' | 'mean' | 'sum' }): T
  binaryCrossEntropyWithLogits(
    self: T,
    target: T,
    weight?: T | null,
    posWeight?: T | null,
    reduction?: 'none' | 'mean' | 'sum',
  ): T
  binaryCrossEntropyWithLogits(
    self: T,
    target: T,
    options?: { weight?: T | null; posWeight?: T | null; reduction?: 'none' | 'mean' | 'sum' },
  ): T
  klDiv(self: T, target: T, reduction?: 'none' | 'mean' | 'sum', options?: { logTarget?: boolean }): T
  klDiv(self: T, target: T, options?: { reduction?: 'none' | 'mean' | 'sum'; logTarget?: boolean }): T
  cosineEmbeddingLoss(input1: T, input2: T, target: T, margin?: number, reduction?: 'none' | 'mean' | 'sum'): T
  cosineEmbeddingLoss(input1: T, input2: T, target: T, options?: { margin?: number; reduction?: 'none' | 'mean' | 'sum' }): T
  tripletMarginLoss(
    anchor: T,
    positive: T,
    negative: T,
    margin?: number,
    p?: number,
    eps?: number,
    swap?: boolean,
    reduction?: 'none' | 'mean' | 'sum',
  ): T
  tripletMarginLoss(
    anchor: T,
    positive: T,
    negative: T,
    options?: { margin?: number; p?: number; eps?: number; swap?: boolean; reduction?: 'none' | 'mean' | 'sum' },
  ): T
  marginRankingLoss(input1: T, input2: T, target: T, margin?: number, reduction?: 'none' | 'mean' | 'sum'): T
  marginRankingLoss(input1: T, input2: T, target: T, options?: { margin?: number; reduction?: 'none' | 'mean' | 'sum' }): T
  softMarginLoss(self: T, target: T, reduction?: 'none' | 'mean' | 'sum'): T
  softMarginLoss(self: T, target: T, options?: { reduction?: 'none' | 'mean' | 'sum' }): T
  poissonNllLoss(input: T, target: T, logInput: boolean, full: boolean, eps: number, reduction: 'none' | 'mean' | 'sum'): T
  fftFft(self: T, n?: number | null, dim?: number, norm?: string | null): T
  fftFft(self: T, options?: { n?: number | null; dim?: number; norm?: string | null }): T
  fftIfft(self: T, n?: number | null, dim?: number, norm?: string | null): T
  fftIfft(self: T, options?: { n?: number | null; dim?: number; norm?: string | null }): T
  fftRfft(self: T, n?: number | null, dim?: number, norm?: string | null): T
  fftRfft(self: T, options?: { n?: number | null; dim?: number; norm?: string | null }): T
  fftIrfft(self: T, n?: number | null, dim?: number, norm?: string | null): T
  fftIrfft(self: T, options?: { n?: number | null; dim?: number; norm?: string | null }): T
  fftFft2(self: T, s?: number | readonly number[] | null, dim?: number | readonly number[], norm?: string | null): T
  fftFft2(self: T, options?: { s?: number | readonly number[] | null; dim?: number | readonly number[]; norm?: string | null }): T
  fftIfft2(self: T, s?: number | readonly number[] | null, dim?: number | readonly number[], norm?: string | null): T
  fftIfft2(
    self: T,
    options?: { s?: number | readonly number[] | null; dim?: number | readonly number[]; norm?: string | null },
  ): T
  fftRfft2(self: T, s?: number | readonly number[] | null, dim?: number | readonly number[], norm?: string | null): T
  fftRfft2(
    self: T,
    options?: { s?: number | readonly number[] | null; dim?: number | readonly number[]; norm?: string | null },
  ): T
  fftIrfft2(self: T, s?: number | readonly number[] | null, dim?: number | readonly number[], norm?: string | null): T
  fftIrfft2(
    self: T,
    options?: { s?: number | readonly number[] | null; dim?: number | readonly number[]; norm?: string | null },
  ): T
  fftFftn(self: T, s?: number | readonly number[] | null, dim?: number | readonly number[] | null, norm?: string | null): T
  fftFftn(
    self: T,
    options?: { s?: number | readonly number[] | null; dim?: number | readonly number[] | null; norm?: string | null },
  ): T
  fftIfftn(self: T, s?: number | readonly number[] | null, dim?: number | readonly number[] | null, norm?: string | null): T
  fftIfftn(
    self: T,
    options?: { s?: number | readonly number[] | null; dim?: number | readonly number[] | null; norm?: string | null },
  ): T
  fftFftshift(self: T, dim?: number | readonly number[] | null): T
  fftFftshift(self: T, options?: { dim?: number | readonly number[] | null }): T
  fftIfftshift(self: T, dim?: number | readonly number[] | null): T
  fftIfftshift(self: T, options?: { dim?: number | readonly number[] | null }): T
  fftFftfreq(
    n: number,
    d?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  fftFftfreq(
    n: number,
    options?: { d?: number; dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  fftRfftfreq(
    n: number,
    d?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  fftRfftfreq(
    n: number,
    options?: { d?: number; dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  rand(
    size: number | readonly number[],
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  rand(
    size: number | readonly number[],
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randn(
    size: number | readonly number[],
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randn(
    size: number | readonly number[],
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randint(
    high: number,
    size: number | readonly number[],
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randint(
    high: number,
    size: number | readonly number[],
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randint(
    low: number,
    high: number,
    size: number | readonly number[],
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randint(
    low: number,
    high: number,
    size: number | readonly number[],
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randperm(
    n: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randperm(
    n: number,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  normal(mean: T, std: T, options?: { generator?: Generator | null }): T
  normal(mean: T, std?: number, options?: { generator?: Generator | null }): T
  normal(mean: T, options?: { std?: number; generator?: Generator | null }): T
  normal(mean: number, std: T, options?: { generator?: Generator | null }): T
  normal(
    mean: number,
    std: number,
    size: number | readonly number[],
    options?: {
      generator?: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  normal_(self: T, mean?: number, std?: number, options?: { generator?: Generator | null }): T
  normal_(self: T, options?: { mean?: number; std?: number; generator?: Generator | null }): T
  bernoulli(self: T, options?: { generator?: Generator | null }): T
  bernoulli(self: T, p: T, options?: { generator?: Generator | null }): T
  bernoulli(self: T, p: number, options?: { generator?: Generator | null }): T
  bernoulli_(self: T, p: T, options?: { generator?: Generator | null }): T
  bernoulli_(self: T, p?: number, options?: { generator?: Generator | null }): T
  bernoulli_(self: T, options?: { p?: number; generator?: Generator | null }): T
  multinomial(self: T, numSamples: number, replacement?: boolean, options?: { generator?: Generator | null }): T
  multinomial(self: T, numSamples: number, options?: { replacement?: boolean; generator?: Generator | null }): T
  randLike(
    self: T,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randLike(
    self: T,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randnLike(
    self: T,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randnLike(
    self: T,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randintLike(
    self: T,
    high: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randintLike(
    self: T,
    high: T,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randintLike(
    self: T,
    high: T,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randintLike(
    self: T,
    high: number,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  randintLike(
    self: T,
    low: number,
    high: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  randintLike(
    self: T,
    low: number,
    high: number,
    options: {
      generator: Generator | null
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  uniform(self: T, from?: number, to?: number, options?: { generator?: Generator | null }): T
  uniform(self: T, options?: { from?: number; to?: number; generator?: Generator | null }): T
  uniform_(self: T, from?: number, to?: number, options?: { generator?: Generator | null }): T
  uniform_(self: T, options?: { from?: number; to?: number; generator?: Generator | null }): T
  random(self: T, options?: { generator?: Generator | null }): T
  random(self: T, to: number, options?: { generator?: Generator | null }): T
  random(self: T, from: number, to: number | null, options?: { generator?: Generator | null }): T
  random_(self: T, options?: { generator?: Generator | null }): T
  random_(self: T, to: number, options?: { generator?: Generator | null }): T
  random_(self: T, from: number, to: number | null, options?: { generator?: Generator | null }): T
  exponential(self: T, lambd?: number, options?: { generator?: Generator | null }): T
  exponential(self: T, options?: { lambd?: number; generator?: Generator | null }): T
  exponential_(self: T, lambd?: number, options?: { generator?: Generator | null }): T
  exponential_(self: T, options?: { lambd?: number; generator?: Generator | null }): T
  zeros(
    size: number | readonly number[],
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  ones(
    size: number | readonly number[],
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  full(
    size: number | readonly number[],
    fillValue: number | bigint | boolean,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  eye(
    n: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  eye(
    n: number,
    m: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  arange(
    end: number | bigint | boolean,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  arange(
    start: number | bigint | boolean,
    end: number | bigint | boolean,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  arange(
    start: number | bigint | boolean,
    end: number | bigint | boolean,
    step?: number | bigint | boolean,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  arange(
    start: number | bigint | boolean,
    end: number | bigint | boolean,
    options?: {
      step?: number | bigint | boolean
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  linspace(
    start: number | bigint | boolean,
    end: number | bigint | boolean,
    steps: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  linspace(
    start: number | bigint | boolean,
    end: T,
    steps: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  linspace(
    start: T,
    end: number | bigint | boolean,
    steps: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  linspace(
    start: T,
    end: T,
    steps: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    start: number | bigint | boolean,
    end: number | bigint | boolean,
    steps: number,
    base?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  logspace(
    start: number | bigint | boolean,
    end: number | bigint | boolean,
    steps: number,
    options?: { base?: number; dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  logspace(
    start: number | bigint | boolean,
    end: T,
    steps: number,
    base?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    start: number | bigint | boolean,
    end: T,
    steps: number,
    options?: { base?: number; dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    start: T,
    end: number | bigint | boolean,
    steps: number,
    base?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    start: T,
    end: number | bigint | boolean,
    steps: number,
    options?: { base?: number; dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    start: T,
    end: T,
    steps: number,
    base?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  logspace(
    start: T,
    end: T,
    steps: number,
    options?: { base?: number; dtype?: DType | null; device?: string | null; pinMemory?: boolean | null },
  ): T
  zerosLike(
    self: T,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  onesLike(
    self: T,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  fullLike(
    self: T,
    fillValue: number | bigint | boolean,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  trilIndices(
    row: number,
    col: number,
    offset?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  trilIndices(
    row: number,
    col: number,
    options?: {
      offset?: number
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  triuIndices(
    row: number,
    col: number,
    offset?: number,
    options?: { dtype?: DType | null; device?: string | null; pinMemory?: boolean | null; requiresGrad?: boolean },
  ): T
  triuIndices(
    row: number,
    col: number,
    options?: {
      offset?: number
      dtype?: DType | null
      device?: string | null
      pinMemory?: boolean | null
      requiresGrad?: boolean
    },
  ): T
  fill(self: T, value: number | bigint | boolean): T
  fill(self: T, value: T): T
  fill_(self: T, value: number | bigint | boolean): T
  fill_(self: T, value: T): T
  zero(self: T): T
  zero_(self: T): T
  copy(self: T, src: T, nonBlocking?: boolean): T
  copy(self: T, src: T, options?: { nonBlocking?: boolean }): T
  copy_(self: T, src: T, nonBlocking?: boolean): T
  copy_(self: T, src: T, options?: { nonBlocking?: boolean }): T
}
