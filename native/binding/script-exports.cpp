#include "../checkpoint/file-sink.h"
#include "../data/utf8-path.h"
#include "convert.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include <fstream>

namespace lvm {

template <>
struct Kind<torch::jit::Module> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 6};
  static constexpr const char* name = "TorchScript module";
};

namespace {

// Builds a tree of modules whose state dict has these names.
struct Tree {
  std::map<std::string, Tree> inner;
  std::vector<std::pair<std::string, Parameter>> own;

  void add(const std::string& path, const Parameter& p) {
    const auto dot = path.find('.');
    if (dot == std::string::npos) own.emplace_back(path, p);
    else inner[path.substr(0, dot)].add(path.substr(dot + 1), p);
  }
  torch::jit::Module module(const std::string& type, const std::shared_ptr<torch::jit::CompilationUnit>& unit) const {
    torch::jit::Module made(c10::QualifiedName("__torch__.lvm_torch." + type), unit);
    for (const auto& [name, p] : own) made.register_parameter(name, p.value.detach(), !p.trainable);
    for (const auto& [name, tree] : inner) made.register_module(name, tree.module(type + "_" + name, unit));
    return made;
  }
};

// scriptSave(model, path, source) -> Promise<void>; `source` is the TorchScript of its methods
Napi::Value script_save(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), path = text(info[1], "path"), source = text(info[2], "source")] {
      Tree tree;
      for (const auto& p : model->parameters()) tree.add(p.name, p);
      auto module = tree.module("Predictor", std::make_shared<torch::jit::CompilationUnit>());
      module.define(source);
      module.eval();
      FileSink sink(path);
      torch::jit::ExportModule(module, [&](const void* bytes, size_t size) { return sink.write(bytes, size); });
      sink.finish();
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// scriptLoad(path, device, dtype | undefined) -> Promise<handle>; converts parameters to dtype
Napi::Value script_load(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [path = text(info[0], "path"), device = device_of(text(info[1], "device")),
     dtype = info[2].IsString() ? std::optional(dtype_of(text(info[2], "dtype"))) : std::nullopt] {
      std::ifstream file(path_of(path), std::ios::binary);
      if (!file) throw Error("FILE_MISSING", path + ": No such file");
      auto module = std::make_shared<torch::jit::Module>(torch::jit::load(file, device));
      if (dtype) module->to(*dtype);
      module->eval();
      int64_t bytes = 0;
      for (const auto& p : module->parameters()) bytes += int64_t(p.nbytes());
      return std::pair(module, bytes);
    },
    [](Napi::Env env, std::pair<std::shared_ptr<torch::jit::Module>, int64_t> loaded) -> Napi::Value {
      return give(env, std::move(loaded.first), loaded.second);
    });
}

// scriptRun(module, [tensor]) -> Promise<tensor>
Napi::Value script_run(const Napi::CallbackInfo& info) {
  std::vector<c10::IValue> inputs;
  if (!info[1].IsArray()) throw Error("BAD_ARGUMENT", "TorchScript: expected a list of tensors");
  const auto given = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < given.Length(); ++i) inputs.emplace_back(take_tensor(given.Get(i)));
  return run_async(
    info.Env(),
    [module = take<torch::jit::Module>(info[0]), inputs] {
      const torch::NoGradGuard no_grad;
      const auto result = module->forward(inputs);
      if (!result.isTensor())
        throw Error("BAD_ARGUMENT", "TorchScript: expected forward() to return a tensor but it returned " + result.tagKind());
      return result.toTensor();
    },
    give_tensor);
}

Napi::Value script_dispose(const Napi::CallbackInfo& info) {
  dispose_if<torch::jit::Module>(info[0]);
  return info.Env().Undefined();
}

}  // namespace

void export_scripts(Napi::Object exports) {
  export_function<script_save>(exports, "scriptSave");
  export_function<script_load>(exports, "scriptLoad");
  export_function<script_run>(exports, "scriptRun");
  export_function<script_dispose>(exports, "scriptDispose");
}

}  // namespace lvm
