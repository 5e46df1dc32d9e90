const OPTIMIZER = ['lr', 'weightDecay', 'beta1', 'eps', 'clip', 'ema', 'momentum', 'nesterov', 'x']
const NEW = ['dtype', 'device', 'generator', 'requiresGrad', 'x']

/** Functions and methods of tensors and of loops of one's own, in the form of the calls of misuse.mjs. */
export async function tensorCalls(api, model) {
  const { torch, Tensor } = api
  const fresh = await api.createModel({ model: 'lstm', dim: 16, context: 3, preset: 'tiny' })
  const windows = await api.openWindows('base.npy', { context: 3 })
  const x = torch.ones([2, 3])
  const weight = () => torch.ones([2], { requiresGrad: true })
  const optimizer = new api.AdamW([weight()])
  const sgd = new api.SGD([weight()])
  const contexts = torch.ones([1, 3, 16])
  /** Waits for the results of a call. */
  const done = async (result) => {
    for (const one of result?.length < 100 ? result : [result]) if (one instanceof Tensor) await one.ready()
  }
  const waits =
    (run) =>
    async (...given) =>
      done(await run(...given))
  const set = (make, key) => (value) => {
    make()[key] = value
  }
  const operators = [
    ['add', [x, {}], [[], ['alpha', 'x']]],
    ['sum', [0, {}], [[], ['keepdim', 'dtype', 'x']]],
    ['reshape', [[3, 2]], []],
    ['indexSelect', [0, torch.arange(2)], []],
    ['split', [1, 0], []],
    ['add_', [1], []],
  ].map(([name, ...rest]) => [`tensor.${name}`, waits((...a) => torch.ones([2, 3])[name](...a)), ...rest])
  const functions = [
    ['randn', [[2], {}], [[], NEW]],
    ['full', [[2], 1, {}], [[], [], NEW]],
    ['arange', [0, 5, 1], []],
    ['cat', [[x, x], 0], []],
    ['where', [x.gt(0), x, 0], []],
    ['einsum', ['ij->ji', [x]], []],
    ['tensor', [[1, 2], {}], [[], ['dtype', 'device', 'requiresGrad', 'x']]],
    ['gradientsOf', [x, [x], {}], [[], [], ['retainGraph', 'createGraph', 'x']]],
    ['generator', [1], []],
    ['manualSeed', [1], []],
  ].map(([name, ...rest]) => [`torch.${name}`, waits((...a) => torch[name](...a)), ...rest])
  return [
    ...operators,
    ...functions,
    ['torch.keep', (value) => void torch.keep(value), [x], []],
    ['torch', waits((...a) => torch.mul(...a)), [x, x], []],
    ['tensor.at', waits((...a) => x.at(...a)), [0, 1], []],
    ['tensor.backward', (o) => weight().sum().backward(o), [{}], [['gradient', 'retainGraph', 'createGraph', 'x']]],
    ['tensor.grad', set(() => x, 'grad'), [undefined], []],
    ['tensor.requiresGrad', set(() => torch.ones([1]), 'requiresGrad'), [true], []],
    [
      'createModel',
      (o) => api.createModel(o).then((made) => made.dispose()),
      [{ model: 'lstm', dim: 16, preset: 'tiny' }],
      [['model', 'dim', 'context', 'preset', 'seed', 'device', 'layers', 'x']],
    ],
    [
      'openWindows',
      (...a) => api.openWindows(...a).then((opened) => opened.dispose()),
      ['base.npy', {}],
      [[], ['context', 'split', 'test', 'seed', 'space', 'normalize', 'x']],
    ],
    ['windows.batches', (o) => [...windows.val.batches(o)], [{}], [['size', 'shuffle']]],
    ['saveModel', api.saveModel, [fresh, { name: 'saved', overwrite: true }], [[], ['name', 'out', 'overwrite', 'windows', 'x']]],
    ['AdamW', (...a) => new api.AdamW(...a).dispose(), [[weight()], {}], [[], OPTIMIZER]],
    [
      'AdamW',
      (...a) => new api.AdamW([...a, { params: [weight()] }]).dispose(),
      [{ params: [weight()] }],
      [['lr', 'weightDecay', 'x']],
    ],
    ['SGD', (...a) => new api.SGD(...a).dispose(), [[weight()], {}], [[], OPTIMIZER]],
    ['optimizer.lr', set(() => optimizer, 'lr'), [0.1], []],
    ['optimizer.loadStateDict', (state) => sgd.loadStateDict(state), [{ steps: 0, tensors: {} }], [['steps', 'tensors']]],
    ['warmupCosine', (o) => api.warmupCosine(o)(1), [{}], [['lr', 'steps', 'warmup', 'x']]],
    ['plateau', (o) => api.plateau(o)(1), [{}], [['lr', 'factor', 'patience', 'x']]],
    ['model.forward', waits((...a) => model.forward(...a)), [contexts, {}], [[], ['all', 'x']]],
    ['fresh.forward', waits((...a) => fresh.forward(...a)), [contexts, {}], [[], ['all', 'x']]],
    ['fresh.loadStateDict', (state) => fresh.loadStateDict(state), [fresh.stateDict()], []],
  ]
}
