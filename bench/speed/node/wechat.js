// node `wechat` on Express as its README puts them together, in two processes.
const cluster = require('cluster')
const express = require('express')
const wechat = require('wechat')

if (cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
} else {
  const app = express()
  const config = {
    token: process.env.BENCH_TOKEN,
    appid: process.env.BENCH_APPID,
    encodingAESKey: process.env.BENCH_AES_KEY
  }
  app.use('/wechat', wechat(config, (req, res) => {
    const message = req.weixin
    res.reply(message.Event === 'SCAN' && message.EventKey === 'bench' ? '收到' : '?')
  }))
  app.listen(Number(process.env.BENCH_PORT), '127.0.0.1')
}
