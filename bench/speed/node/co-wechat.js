// node `co-wechat` on Koa as its README puts them together, in two processes.
const cluster = require('cluster')
const Koa = require('koa')
const wechat = require('co-wechat')

if (cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
} else {
  const app = new Koa()
  const config = {
    token: process.env.BENCH_TOKEN,
    appid: process.env.BENCH_APPID,
    encodingAESKey: process.env.BENCH_AES_KEY
  }
  app.use(wechat(config).middleware(async (message) =>
    message.Event === 'SCAN' && message.EventKey === 'bench' ? '收到' : '?'))
  app.listen(Number(process.env.BENCH_PORT), '127.0.0.1')
}
