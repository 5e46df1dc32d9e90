export { BarChart, BoxplotChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts'
export { GraphicComponent, GridComponent, TitleComponent } from 'echarts/components'
export { init, use } from 'echarts/core'
export { SVGRenderer } from 'echarts/renderers'
