#include "packed.h"

#include "../error.h"
#include "../parallel.h"
#include "../simd.h"
#include "multiply.h"

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/Utils.h>
#include <ATen/native/quantized/PackedParams.h>

#include <chrono>

namespace lvm {
namespace {

LVM_CLONES float largest(int64_t n, const float* x) {
  float most = 0;
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) most = std::max(most, std::abs(x[i]));
  return most;
}
LVM_CLONES void times(int64_t n, float factor, const float* x, float* y) {
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = factor * x[i];
}

template <typename Work>
void over_rows(int64_t rows, int64_t width, Work work) {
  parallel(rows, std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
    for (auto row = begin; row < end; ++row) work(row);
  });
}

// libtorch warns once that its quantised tensors will move to another package; what is used here is only their packed form.
struct Silent final : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

using Prepack = c10::intrusive_ptr<LinearPackedParamsBase>(Tensor, std::optional<Tensor>);

// The kernels take one range for all rows, so every row is brought to a largest magnitude of 1 before: what comes of it then does
// not depend on the others, and small ones lose nothing beside large ones.
struct Dynamic final : Packed {
  Dynamic(at::QEngine engine, const Tensor& values, const Tensor& scales) {
    static const auto prepack = c10::Dispatcher::singleton().findSchemaOrThrow("quantized::linear_prepack", "").typed<Prepack>();
    Silent silent;
    const c10::WarningUtils::WarningHandlerGuard guard(&silent);
    const auto q =
      at::_make_per_channel_quantized_tensor(values, scales.to(torch::kFloat64), torch::zeros(scales.sizes(), torch::kInt64), 0);
    auto& context = at::globalContext();
    const auto before = context.qEngine();
    context.setQEngine(engine);
    weights = prepack.call(q, std::nullopt);
    context.setQEngine(before);
  }
  Tensor product(const Tensor& x) const override {
    // Without these instructions sums of two products of 8 bits overflow 16.
    static const bool reduce_range = !at::cpu::is_avx512_vnni_supported();
    if (x.size(0) == 1) return weights->apply_dynamic(x, reduce_range);
    const auto rows = x.size(0), in = x.size(1);
    const auto level = torch::empty_like(x), sizes = torch::empty({rows}, x.options());
    auto *size = sizes.mutable_data_ptr<float>(), *to = level.mutable_data_ptr<float>();
    const auto* from = x.const_data_ptr<float>();
    over_rows(rows, in, [&](int64_t row) {
      size[row] = std::max(largest(in, from + row * in), 1e-30f);
      times(in, 1 / size[row], from + row * in, to + row * in);
    });
    const auto y = weights->apply_dynamic(level, reduce_range);
    const auto out = y.size(1);
    auto* of = y.mutable_data_ptr<float>();
    over_rows(rows, out, [&](int64_t row) { times(out, size[row], of + row * out, of + row * out); });
    return y;
  }
  c10::intrusive_ptr<LinearPackedParamsBase> weights;
};

struct WeightOnly final : Packed {
  WeightOnly(const Tensor& values, const Tensor& scales) : values(values.contiguous()), scales(scales.to(torch::kBFloat16)) {}
  Tensor product(const Tensor& x) const override {
    return at::_weight_int8pack_mm(x.to(torch::kBFloat16), values, scales).to(torch::kFloat32);
  }
  Tensor values, scales;
};

Tensor unpacked(const Tensor& bytes) {
  return torch::stack({bytes.bitwise_and(15), bytes.bitwise_right_shift(4)}, -1).flatten(1);
}

struct Int4 final : Packed {
  Int4(const Tensor& bytes, const Tensor& scales) {
    weights = at::_convert_weight_to_int4pack_for_cpu(unpacked(bytes).to(torch::kInt32).contiguous(), 1);
    const auto by_group = scales.t();
    table = torch::stack({by_group, torch::zeros_like(by_group)}, -1).to(torch::kBFloat16).contiguous();
  }
  Tensor product(const Tensor& x) const override {
    return at::_weight_int4pack_mm_for_cpu(x.to(torch::kBFloat16), weights, int4_group, table).to(torch::kFloat32);
  }
  Tensor weights, table;
};

// bfloat16 numbers, or whole ones as such.
struct Half final : Packed {
  Half(const Tensor& given, const Tensor& scales) {
    if (!scales.defined()) values = given.contiguous();
    else if (given.scalar_type() == torch::kInt8) values = (given * scales.unsqueeze(1)).to(torch::kBFloat16);
    else values = ((unpacked(given).to(torch::kFloat32) - 8) * scales.repeat_interleave(int4_group, 1)).to(torch::kBFloat16);
  }
  Tensor product(const Tensor& x) const override { return at::linear(x.to(torch::kBFloat16), values).to(torch::kFloat32); }
  Tensor values;
};

std::shared_ptr<const Packed> packed(const std::string& kernel, const Tensor& values, const Tensor& scales) {
  if (kernel == "dynamic_fbgemm") return std::make_shared<Dynamic>(at::QEngine::FBGEMM, values, scales);
  if (kernel == "dynamic_onednn") return std::make_shared<Dynamic>(at::QEngine::ONEDNN, values, scales);
  if (kernel == "weight_only") return std::make_shared<WeightOnly>(values, scales);
  if (kernel == "int4") return std::make_shared<Int4>(values, scales);
  if (kernel == "bf16") return std::make_shared<Half>(values, scales);
  throw Error("BAD_ARGUMENT", "weights: there is no kernel \"" + kernel + "\"");
}

// libtorch reads these in blocks, and does not look whether they come out even.
bool in_blocks(const std::string& kernel, int64_t out, int64_t in) {
  if (kernel == "int4") return out % 16 == 0 && in % int4_group == 0;
  return kernel != "weight_only" || (out % 16 == 0 && in % 16 == 0);
}

std::vector<std::string> kernels_of(const std::string& scheme) {
  if (scheme == "bf16") return {"bf16"};
  if (scheme == "int4") return {"int4", "bf16"};
  std::vector<std::string> names;
  for (const auto engine : at::globalContext().supportedQEngines()) {
    if (engine == at::QEngine::FBGEMM) names.push_back("dynamic_fbgemm");
    if (engine == at::QEngine::ONEDNN) names.push_back("dynamic_onednn");
  }
  names.push_back("weight_only");
  names.push_back("bf16");
  return names;
}

// The shortest of several, so that what else the machine does counts little.
double milliseconds(const std::function<void()>& work) {
  using clock = std::chrono::steady_clock;
  const auto elapsed = [](clock::time_point from) {
    return std::chrono::duration<double, std::milli>(clock::now() - from).count();
  };
  work();
  double best = 1e300;
  const auto begin = clock::now();
  for (int i = 0; i < 4 || (i < 20 && elapsed(begin) < 5); ++i) {
    const auto start = clock::now();
    work();
    best = std::min(best, elapsed(start));
  }
  return best;
}

}  // namespace

std::vector<std::shared_ptr<const Packed>> packed_parts(const std::string& kernel, const Tensor& values, const Tensor& scales,
                                                        int64_t out, int64_t in, int64_t first) {
  const auto type = values.scalar_type();
  const auto four = type == torch::kUInt8, whole = four || type == torch::kInt8;
  const std::vector<int64_t> shape{out, four ? in / 2 : in},
    scale_shape = four ? std::vector<int64_t>{out, in / int4_group} : std::vector<int64_t>{out};
  const auto fits = kernel == "int4" ? four : kernel == "bf16" ? whole || type == torch::kBFloat16 : type == torch::kInt8;
  if (!fits || values.sizes() != shape || whole != scales.defined() || (whole && scales.sizes() != scale_shape))
    throw Error("BAD_ARGUMENT", "weights: expected values and scales as the kernel \"" + kernel + "\" wants them");
  const auto part = [&](int64_t from, int64_t count) {
    if (!in_blocks(kernel, count, in))
      throw Error("BAD_ARGUMENT", "weights: the kernel \"" + kernel + "\" does not take a matrix of this shape");
    return packed(kernel, values.narrow(0, from, count).contiguous(),
                  whole ? scales.narrow(0, from, count).contiguous() : Tensor());
  };
  if (first == 0) return {part(0, out)};
  return {part(0, first), part(first, out - first)};
}

std::map<std::string, std::vector<double>> time_kernels(const std::string& scheme, int64_t out, int64_t in,
                                                        const std::vector<int64_t>& rows) {
  torch::InferenceMode inference;
  const auto w = torch::ones({out, in});
  const auto values = scheme == "int4" ? torch::full({out, in / 2}, 17, torch::kUInt8)
                                       : torch::ones({out, in}, scheme == "bf16" ? torch::kBFloat16 : torch::kInt8);
  const auto scales = scheme == "bf16" ? Tensor() : scheme == "int4" ? torch::ones({out, in / int4_group}) : torch::ones({out});
  std::map<std::string, std::vector<double>> times;
  for (const auto n : rows) {
    const auto x = torch::ones({n, in});
    times["fp32"].push_back(milliseconds([&] { product(x, w); }));
  }
  if (scheme == "int4" && in % int4_group != 0) return times;
  for (const auto& kernel : kernels_of(scheme)) {
    if (!in_blocks(kernel, out, in)) continue;
    try {
      const auto weights = packed(kernel, values, scales);
      std::vector<double> all;
      for (const auto n : rows) {
        const auto x = torch::ones({n, in});
        all.push_back(milliseconds([&] { weights->product(x); }));
      }
      times[kernel] = all;
    } catch (const c10::Error&) {  // not for this shape, or not on this machine
    }
  }
  return times;
}

}  // namespace lvm
