#pragma once
#include "../graph/weight.h"

#include <map>
#include <string>

namespace lvm {

// Kernels of the CPU for weights of few bits.
//
//   dynamic_fbgemm, dynamic_onednn   int8 weights; each row of the input is brought to 8 bits as it comes
//   weight_only                      int8 weights, inputs rounded to bfloat16
//   int4                             weights of 4 bits, inputs rounded to bfloat16
//   bf16                             both in bfloat16, whatever the weights were
//
// Shapes: values int8 [out, in] with a scale for each row [out]; uint8 [out, in / 2], two in a byte, the first in the low half,
// 0 … 15 for −8 … 7, with a scale for every 128 numbers of a row [out, in / 128]; bfloat16 [out, in] without scales
// Errors: BAD_ARGUMENT for values of another shape or dtype

constexpr int64_t int4_group = 128;

// The whole matrix, or with `first` that many rows and then the rest.
std::vector<std::shared_ptr<const Packed>> packed_parts(const std::string& kernel, const Tensor& values, const Tensor& scales,
                                                        int64_t out, int64_t in, int64_t first);

// Milliseconds of a product with each kernel for int8, int4 or bf16 weights that works here, and with float32 ones, for each
// number of rows.
std::map<std::string, std::vector<double>> time_kernels(const std::string& scheme, int64_t out, int64_t in,
                                                        const std::vector<int64_t>& rows);

}  // namespace lvm
