// Who is signed in, as `GET /staff/me` says. The server refuses what a group may not do; here it is only not shown.

import { createContext, useContext } from "./vendor-preact.js";

export const Member = createContext(null);
export const useMember = () => useContext(Member);
export const useMay = (group) => useMember().groups.includes(group);
