export { downloadFile, listFiles, modelInfo } from '@huggingface/hub'
