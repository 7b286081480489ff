// The redirect service that Stytch's guide to migrating SSO connections shows, with what the guide leaves open in the way that costs least: the
// mapping is in memory, and POST is taken as GET is. https://stytch.com/docs/b2b/guides/migrations/additional-migration-considerations
//   node server.js PORT MAPPING      MAPPING: a line a row, identifier and connection id with a tab between them
'use strict';
const fs = require('node:fs');
const readline = require('node:readline');
const express = require('express');

async function readMapping(path) {
  const mapping = new Map();
  for await (const line of readline.createInterface({ input: fs.createReadStream(path) })) {
    const [identifier, connectionId] = line.split('\t');
    mapping.set(identifier, connectionId);
  }
  return mapping;
}

async function main() {
  const [port, path] = process.argv.slice(2);
  const connections = await readMapping(path);
  const app = express();
  app.all('/old-sso/:identifier', async (req, res) => {
    const connectionId = connections.get(req.params.identifier);
    if (connectionId === undefined)
      return res.status(404).send('Not found');
    return res.redirect(307, `https://api.stytch.com/v1/b2b/sso/callback/${connectionId}`);
  });
  app.listen(Number(port), '127.0.0.1');
}

main();
