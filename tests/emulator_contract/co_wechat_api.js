// Creates one code of each kind with co-wechat-api and fetches its picture, as its users do.
// node co_wechat_api.js API_BASE MP_BASE APPID, the secret in the environment, prints JSON.
const WechatAPI = require('co-wechat-api');

async function main([apiBase, mpBase, appid]) {
  const api = new WechatAPI(appid, process.env.WECHAT_SECRET);
  api.prefix = `${apiBase}/cgi-bin/`;
  api.mpPrefix = `${mpBase}/cgi-bin/`;
  const codes = {
    QR_SCENE: await api.createTmpQRCode(4294967295, 604800),
    QR_STR_SCENE: await api.createTmpQRCode('npm:1', 604800),
    QR_LIMIT_SCENE: await api.createLimitQRCode(100000),
    QR_LIMIT_STR_SCENE: await api.createLimitQRCode('npm:forever'),
  };
  for (const code of Object.values(codes)) {
    const picture = await api.request(api.showQRCodeURL(code.ticket));
    code.picture = picture.toString('base64');
  }
  console.log(JSON.stringify(codes));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
