#include "agreement.h"
#include "byte-panels.h"
#include "packed-weights.h"
#include "shortest-time.h"

#include <ATen/Context.h>

namespace lvm {
namespace {

std::vector<std::string> kernels_of(const std::string& scheme) {
  if (scheme == "bf16") return {"bf16"};
  if (scheme == "fp32") return {"panels"};
  if (scheme == "int4") return {"int4", "bf16"};
  std::vector<std::string> names;
  if (has_byte_panels()) names.push_back("dynamic_panels");
  for (const auto engine : at::globalContext().supportedQEngines()) {
    if (engine == at::QEngine::FBGEMM) names.push_back("dynamic_fbgemm");
    if (engine == at::QEngine::ONEDNN) names.push_back("dynamic_onednn");
  }
  names.push_back("weight_only");
  names.push_back("bf16");
  return names;
}

using Parts = std::vector<std::shared_ptr<const Packed>>;

// Calls `visit` for every kernel of a scheme that takes this shape and exists in this libtorch, with extreme weights. `parts` is
// empty if the kernel is wrong.
void each_kernel(const std::string& scheme, int64_t out, int64_t in,
                 const std::function<void(const std::string& kernel, const Parts& parts)>& visit) {
  if (scheme == "int4" && in % int4_group != 0) return;
  const std::map<std::string, torch::Dtype> dtypes{
    {"int4", torch::kUInt8}, {"bf16", torch::kBFloat16}, {"fp32", torch::kFloat32}};
  const auto dtype = dtypes.count(scheme) ? dtypes.at(scheme) : torch::kInt8;
  const auto [values, scales] = extreme_weights(dtype, out, in);
  for (const auto& kernel : kernels_of(scheme)) {
    if (in_blocks(kernel, out, in)) visit(kernel, packed_parts(kernel, values, scales, out, in, 0));
  }
}

}  // namespace

std::map<std::string, std::vector<double>> time_kernels(const std::string& scheme, int64_t out, int64_t in,
                                                        const std::vector<int64_t>& rows) {
  torch::InferenceMode inference;
  const auto w = torch::ones({out, in});
  // Matrices that are not quantised are packed too, where that is faster.
  const auto panels = scheme == "fp32" ? Parts() : packed_parts("panels", w, {}, out, in, 0);
  std::map<std::string, std::vector<double>> times;
  for (const auto n : rows) {
    const auto x = torch::ones({n, in});
    auto time = shortest_milliseconds([&] { product(x, w); });
    if (!panels.empty()) time = std::min(time, shortest_milliseconds([&] { panels.front()->product(x); }));
    times["fp32"].push_back(time);
  }
  each_kernel(scheme, out, in, [&](const std::string& kernel, const Parts& parts) {
    if (parts.empty()) return;
    std::vector<double> all;
    for (const auto n : rows) {
      const auto x = torch::ones({n, in});
      all.push_back(shortest_milliseconds([&] { parts.front()->product(x); }));
    }
    times[kernel] = all;
  });
  return times;
}

std::vector<std::string> wrong_kernels(const std::string& scheme, int64_t out, int64_t in) {
  torch::InferenceMode inference;
  std::vector<std::string> wrong;
  each_kernel(scheme, out, in, [&](const std::string& kernel, const Parts& parts) {
    if (parts.empty()) wrong.push_back(kernel);
  });
  return wrong;
}

}  // namespace lvm
